// Search, the reader's own time, and titles for links between sessions. The page is whole without it.
// Its hash stands in html.rs; a test says when that is old.
"use strict";

const byId = (id) => document.getElementById(id);
const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];

// Long work in slices, so that the page answers meanwhile.
const SLICE_MS = 12;
async function inSlices(items, isStale, work) {
    let until = performance.now() + SLICE_MS;
    for (const item of items) {
        work(item);
        if (performance.now() > until) {
            await new Promise((resume) => setTimeout(resume));
            if (isStale()) return false;
            until = performance.now() + SLICE_MS;
        }
    }
    return !isStale();
}

// ---- Texts as the search sees them: case and accents do not count, as in the library's own search.

const ACCENTS = /[\u0300-\u036f\u0591-\u05c7\u064b-\u065f\u0670]/g;
const fold = (text) => text.normalize("NFD").replace(ACCENTS, "").toLowerCase().replaceAll("ς", "σ");

// The words to find; what stands between quotes is one.
const wordsOf = (query) =>
    [...query.matchAll(/"([^"]+)"?|[^\s"]+/g)].map((found) => fold(found[1] ?? found[0]).trim()).filter(Boolean);

// Where the words stand in a text, as [from, to].
function* placesOf(words, text) {
    let folded = "";
    const places = [];
    let at = 0;
    for (const c of text) {
        const letters = fold(c);
        for (let i = 0; i < letters.length; i++) places.push(at);
        folded += letters;
        at += c.length;
    }
    places.push(at);
    for (const word of words) {
        for (let from = folded.indexOf(word); from >= 0; from = folded.indexOf(word, from + word.length)) {
            yield [places[from], places[from + word.length]];
        }
    }
}

// ---- Search.

const box = byId("find");
const found = byId("found");
const previous = byId("previous");
const next = byId("next");

const list = document.querySelector("body > nav");
const links = new Map(list ? all("a", list).map((link) => [link.hash.slice(1), link]) : []);
const sections = [...document.querySelector("main").children].map((element) => ({
    element,
    header: fold(element.querySelector("header").textContent),
    link: links.get(element.id),
}));
const messages = sections.flatMap((section) =>
    [...section.element.getElementsByTagName("article")].map((element) => ({ element, section, text: null })),
);

let run = 0;
let searched;
let words = [];
let hits = [];
let current = -1;
let opened = [];
const marks = globalThis.Highlight && CSS.highlights ? new Highlight() : null;
if (marks) CSS.highlights.set("hits", marks);

// Marks the hits that come near to what is seen, and unfolds what they stand in.
const nearby = new IntersectionObserver(
    (entries) => entries.filter((entry) => entry.isIntersecting).forEach((entry) => mark(entry.target)),
    { rootMargin: "50%" },
);

// Where the first hit of a message stands.
const firsts = new Map();

function mark(article) {
    if (firsts.has(article)) return;
    firsts.set(article, null);
    const body = article.querySelector(".body");
    const texts = document.createTreeWalker(body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        const text = texts.currentNode;
        for (const [from, to] of placesOf(words, text.data)) {
            const range = new Range();
            range.setStart(text, from);
            range.setEnd(text, to);
            marks?.add(range);
            if (text.parentElement.closest("summary")) continue;
            unfold(text.parentElement.closest("details:not([open])"));
            if (!firsts.get(article)) firsts.set(article, range);
        }
    }
}

function unfold(details) {
    if (!details) return;
    details.open = true;
    opened.push(details);
}

function forget() {
    nearby.disconnect();
    marks?.clear();
    firsts.clear();
    opened.forEach((details) => (details.open = false));
    opened = [];
    hits = [];
    go(-1);
}

function show(visible) {
    for (const message of messages) message.element.hidden = !visible(message);
    const full = new Set(messages.filter((message) => !message.element.hidden).map((message) => message.section));
    for (const section of sections) {
        section.element.hidden = words.length > 0 && !section.matches && !full.has(section);
        if (section.link) section.link.parentElement.hidden = section.element.hidden;
    }
}

const count = (number, what) => `${number.toLocaleString()} ${what}${number === 1 ? "" : "s"}`;

function search() {
    const wanted = wordsOf(box.value);
    if (wanted.join("\n") !== words.join("\n")) {
        forget();
        words = wanted;
        searched = words.length ? find() : unfilter();
    }
    return searched;
}

function unfilter() {
    run++;
    found.textContent = "";
    show(() => true);
}

async function find() {
    const mine = ++run;
    const isStale = () => mine !== run;
    const matching = new Set();
    const finished = await inSlices(messages, isStale, (message) => {
        message.text ??= fold(message.element.querySelector(".body").textContent);
        if (words.every((word) => message.text.includes(word))) matching.add(message);
    });
    if (!finished) return;
    for (const section of sections) section.matches = words.every((word) => section.header.includes(word));
    hits = [...matching];
    show((message) => matching.has(message) || message.section.matches);
    hits.forEach((message) => nearby.observe(message.element));
    const titles = sections.filter((section) => section.matches).length;
    found.textContent = count(hits.length, "message") + (titles ? `, ${count(titles, "session")}` : "");
    next.disabled = previous.disabled = hits.length === 0;
    scrollTo({ top: 0, behavior: "instant" });
}

// Goes to a hit; -1 is none.
function go(to) {
    hits[current]?.element.classList.remove("current");
    current = hits.length ? (to + hits.length) % hits.length : -1;
    next.disabled = previous.disabled = hits.length === 0;
    if (to < 0 && current < 0) return;
    const { element } = hits[current];
    element.classList.add("current");
    mark(element);
    element.scrollIntoView({ block: "start" });
    // In a long message the hit itself may still be far below.
    const below = (firsts.get(element)?.getBoundingClientRect().bottom ?? 0) - innerHeight + 40;
    if (below > 0) scrollBy(0, below + innerHeight / 2);
    found.textContent = `${(current + 1).toLocaleString()} of ${count(hits.length, "message")}`;
}

function clear() {
    box.value = "";
    search();
}

let waiting;
box.addEventListener("input", () => {
    clearTimeout(waiting);
    waiting = setTimeout(search, 150);
});
box.addEventListener("keydown", async (event) => {
    if (event.key === "Escape") clear();
    if (event.key !== "Enter") return;
    event.preventDefault();
    clearTimeout(waiting);
    await search();
    if (hits.length) go(event.shiftKey ? Math.max(current, 0) - 1 : current + 1);
});
next.addEventListener("click", () => go(current + 1));
previous.addEventListener("click", () => go(Math.max(current, 0) - 1));
document.addEventListener("keydown", (event) => {
    const types = event.target.closest?.("input, textarea");
    if (event.key === "/" && !types && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        box.focus();
        box.select();
    }
});

// A link to what the search has hidden ends the search.
document.addEventListener("click", (event) => {
    const link = event.target.closest("a[href^='#']");
    const target = link && byId(link.hash.slice(1));
    if (target?.closest("[hidden]")) clear();
});

document.querySelector("search").hidden = false;

// ---- Links between sessions say where they lead.

for (const link of all(".branches a")) {
    const title = byId(link.hash.slice(1))?.querySelector("h2 bdi");
    if (title) link.replaceChildren(title.cloneNode(true));
}

// ---- Which session is seen.

const seen = new IntersectionObserver(
    (entries) => {
        for (const { target, isIntersecting } of entries) {
            const link = links.get(target.id);
            if (!isIntersecting) link?.removeAttribute("aria-current");
            else if (link) tellSeen(link);
        }
    },
    { rootMargin: "-20% 0px -79% 0px" },
);

function tellSeen(link) {
    link.setAttribute("aria-current", "true");
    const { top, bottom } = link.getBoundingClientRect();
    const frame = list.getBoundingClientRect();
    if (top < frame.top + 60 || bottom > frame.bottom) list.scrollTop += top - frame.top - frame.height / 3;
}

sections.forEach((section) => seen.observe(section.element));

// ---- What is folded is printed, too.

let printed = [];
addEventListener("beforeprint", () => {
    printed = all("details:not([open])");
    printed.forEach((details) => (details.open = true));
});
addEventListener("afterprint", () => printed.forEach((details) => (details.open = false)));

// ---- The reader's own time.

const exact = new Intl.DateTimeFormat(undefined, { dateStyle: "medium", timeStyle: "short" });
const day = new Intl.DateTimeFormat(undefined, { dateStyle: "medium" });
inSlices(all("time"), () => false, (time) => {
    const moment = new Date(time.dateTime);
    if (Number.isNaN(moment.getTime())) return;
    time.title = time.dateTime;
    time.textContent = (time.className === "day" ? day : exact).format(moment);
});
