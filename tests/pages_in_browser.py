#!/usr/bin/env python3
"""Opens an exported page in Chromium, tries it as a reader would, and takes pictures of it.

pages_in_browser.py CHROMIUM small|hostile|large|chats PAGE

Chromium is driven over its debugging pipe, with nothing but Python. Any complaint of the page and any request but the page
itself is a failure. The pictures lie beside the page.
"""

import base64
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

PATIENCE_S = 60
PHONE, DESKTOP = (390, 844), (1280, 800)


class Browser:
    """A headless Chromium with one page."""

    def __init__(self, command, profile):
        to_browser, self.commands = os.pipe()
        self.answers, from_browser = os.pipe()

        def connect():
            # Chromium reads from 3 and writes to 4; the first copies keep one from overwriting the other.
            reading, writing = os.dup(to_browser), os.dup(from_browser)
            os.dup2(reading, 3)
            os.dup2(writing, 4)

        flags = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
                 "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
                 "--force-color-profile=srgb", "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"]
        environment = {**os.environ, "TZ": "Asia/Kolkata", "LANG": "en_GB.UTF-8"}
        self.process = subprocess.Popen([command, *flags], close_fds=False, preexec_fn=connect, env=environment,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser)
        os.close(from_browser)
        self.unread, self.number, self.session = b"", 0, None
        self.requests, self.complaints = [], []
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")

    def call(self, method, **parameters):
        self.number += 1
        message = {"id": self.number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.commands, json.dumps(message).encode() + b"\0")
        while True:
            answer = self.read()
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            self.note(answer)

    def read(self):
        while b"\0" not in self.unread:
            more = os.read(self.answers, 1 << 20)
            if not more:
                raise RuntimeError("Chromium ended")
            self.unread += more
        message, self.unread = self.unread.split(b"\0", 1)
        return json.loads(message)

    def note(self, event):
        method, said = event.get("method"), event.get("params", {})
        if method == "Network.requestWillBeSent":
            self.requests.append(said["request"]["url"])
        elif method in ("Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded", "Page.javascriptDialogOpening"):
            self.complaints.append(f"{method}: {json.dumps(said)[:600]}")

    def value(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{expression}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def wait_for(self, expression):
        until = time.monotonic() + PATIENCE_S
        while not self.value(expression):
            if time.monotonic() > until:
                raise AssertionError(f"never true: {expression}; the page says {self.value('document.body.innerText')[:500]}")
            time.sleep(0.05)

    def open(self, page, size=DESKTOP, scheme="light", script=True):
        width, height = size
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 600)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self.call("Emulation.setScriptExecutionDisabled", value=not script)
        self.call("Page.navigate", url="about:blank")
        self.wait_for("location.href === 'about:blank' && document.readyState === 'complete'")
        self.call("Page.navigate", url=page)
        self.wait_for("location.protocol === 'file:' && document.readyState === 'complete'")

    def picture(self, path):
        self.value("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
        data = self.call("Page.captureScreenshot", format="png")["data"]
        path.write_bytes(base64.b64decode(data))

    def press(self, key, text="", modifiers=0):
        code = {"Enter": 13, "Escape": 27, "/": 191, "Tab": 9}[key]
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, text=text, windowsVirtualKeyCode=code, modifiers=modifiers)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, windowsVirtualKeyCode=code, modifiers=modifiers)

    def type(self, text):
        self.call("Input.insertText", text=text)

    def click(self, selector):
        box = self.value(f"""(() => {{
            const element = document.querySelector({json.dumps(selector)});
            element.scrollIntoView({{ block: "center" }});
            const {{ x, y, width, height }} = element.getBoundingClientRect();
            return [x + Math.min(width / 2, 40), y + height / 2];
        }})()""")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=box[0], y=box[1], button="left", clickCount=1)

    def close(self):
        self.session = None
        try:
            self.call("Browser.close")
        except (RuntimeError, OSError):
            pass
        self.process.wait(PATIENCE_S)


def same(found, expected, what):
    if found != expected:
        raise AssertionError(f"{what}: {found!r}, not {expected!r}")


def seen(selector):
    """How many of these are shown."""
    return f"[...document.querySelectorAll({json.dumps(selector)})].filter((e) => e.checkVisibility()).length"


def shows(selector):
    return f"document.querySelector({json.dumps(selector)}).checkVisibility({{ contentVisibilityAuto: false }})"


FOUND = "document.querySelector('#found').textContent"


def search(browser, words):
    browser.value("document.querySelector('#find').focus(); document.querySelector('#find').select()")
    browser.type(words)


def take_pictures(browser, page, folder, what):
    for name, size in (("phone", PHONE), ("desktop", DESKTOP)):
        for scheme in ("light", "dark"):
            browser.open(page, size, scheme)
            browser.picture(folder / f"{what}-{name}-{scheme}.png")
            wide = browser.value("document.documentElement.scrollWidth")
            same(wide <= size[0], True, f"the page is {wide} wide on a {name} of {size[0]}")


def try_small(browser, page, folder):
    browser.open(page)
    # Times are the reader's: half past five in India when it is noon.
    same("5:30" in browser.value("document.querySelector('#s1m1 time').textContent"), True, "the reader's own time")
    same(browser.value("document.querySelector('#s1m1 time').title"), "2026-11-20T12:00:00Z", "the time in UTC")

    # Search, by keyboard only.
    same(browser.value(shows("search")), True, "the search box is there")
    browser.press("/", "/")
    same(browser.value("document.activeElement.id"), "find", "a slash leads into the search box")
    browser.type("CLÉAR")
    browser.wait_for(f"{FOUND} === '2 messages'")
    same(browser.value(seen("article")), 2, "messages that are shown")
    same(browser.value(seen("nav li")), 1, "sessions that are listed")
    browser.wait_for("[...CSS.highlights.get('hits')].length === 3")
    same(browser.value("[...CSS.highlights.get('hits')].map((hit) => hit.toString()).join()"), "clear,clear,Clear", "what is marked")
    same(browser.value("document.querySelector('#s1m4 details').open"), True, "what is folded and found is unfolded")
    browser.picture(folder / "small-search.png")
    browser.press("Enter")
    browser.wait_for(f"{FOUND} === '1 of 2 messages'")
    browser.press("Enter")
    browser.wait_for(f"{FOUND} === '2 of 2 messages'")
    same(browser.value("document.querySelector('.current').id"), "s1m5", "the hit that was gone to")
    browser.press("Enter", modifiers=8)
    browser.wait_for(f"{FOUND} === '1 of 2 messages'")
    browser.press("Escape")
    browser.wait_for(f"{FOUND} === ''")
    same(browser.value(seen("article")), 6, "all messages are shown again")
    same(browser.value("document.querySelector('#s1m4 details').open"), False, "what was unfolded is folded again")
    search(browser, '"18.5 °c"')
    browser.wait_for(f"{FOUND} === '1 message'")
    search(browser, "nowhere to be found")
    browser.wait_for(f"{FOUND} === '0 messages'")
    search(browser, "trip-2")
    browser.wait_for(f"{FOUND} === '0 messages, 1 session'")
    browser.press("Escape")
    browser.wait_for(seen("article") + " === 6")

    # Folding.
    same(browser.value(shows("#s1m3 pre")), False, "a call is folded")
    browser.click("#s1m3 summary")
    browser.wait_for(shows("#s1m3 pre"))

    # Branches, there and back.
    same(browser.value("document.querySelector('#s1m2 .branches a').textContent"), "A trip to *Lisbon*", "a link's text")
    browser.click("#s1m2 .branches a")
    browser.wait_for("location.hash === '#s2'")
    same(browser.value("document.querySelector('#s2').getBoundingClientRect().top < innerHeight"), True, "the fork is seen")
    browser.click("#s2 .shared a")
    browser.wait_for("location.hash === '#s1m2'")
    # A link to what the search has hidden ends the search.
    search(browser, "know")
    browser.wait_for(f"{FOUND} === '1 message'")
    browser.click("#s2 .shared a")
    browser.wait_for(seen("article") + " === 6")

    # The list over the page of a telephone.
    browser.open(page, PHONE)
    same(browser.value(shows("nav")), False, "the list is not in the way")
    browser.click(".to-list")
    browser.wait_for(shows("nav"))
    browser.picture(folder / "small-phone-list.png")
    browser.click("nav li:nth-child(2) a")
    browser.wait_for("location.hash === '#s2'")
    same(browser.value(shows("nav")), False, "the list goes when a session is chosen")

    # What is folded is printed.
    browser.value("dispatchEvent(new Event('beforeprint'))")
    same(browser.value("document.querySelectorAll('details:not([open])').length"), 0, "folded while it is printed")
    browser.value("dispatchEvent(new Event('afterprint'))")
    same(browser.value("document.querySelectorAll('#s1m3 details:not([open])').length"), 1, "folded after it was printed")
    (folder / "small.pdf").write_bytes(base64.b64decode(browser.call("Page.printToPDF")["data"]))

    # Without its script.
    browser.open(page, script=False)
    same(browser.value(seen("article")), 6, "messages without the script")
    same(browser.value(shows("search")), False, "there is no search box without the script")
    same(browser.value("document.querySelector('#s1m1 time').textContent"), "2026-11-20 12:00:00 UTC", "a time without the script")


def try_hostile(browser, page, folder):
    browser.open(page)
    same(browser.value("document.querySelectorAll('script, style, img, svg, iframe, base, form').length"), 2, "foreign elements")
    handlers = "[...document.querySelectorAll('*')].filter((e) => [...e.attributes].some((a) => a.name.startsWith('on'))).length"
    same(browser.value(handlers), 0, "event handlers")
    for said in ("<script>alert(1)</script>", "<img src=x onerror=alert(1)>"):
        find = f"[...document.querySelectorAll('article.user .text')].filter((e) => e.innerText === {json.dumps(said)}).length"
        same(browser.value(find), 1, f"{said} is shown as text")
        search(browser, f'"{said}"')
        browser.wait_for(f"parseInt({FOUND}) > 0")
    browser.press("Escape")
    browser.wait_for(f"{FOUND} === ''")


def try_large(browser, page, folder):
    begin = time.monotonic()
    browser.open(page)
    browser.wait_for("document.querySelector('search').checkVisibility()")
    loaded = time.monotonic() - begin
    same(browser.value("document.querySelectorAll('article').length"), 40_000, "messages")
    browser.value("""(() => {
        globalThis.longest = 0;
        let last = performance.now();
        setInterval(() => { const now = performance.now(); longest = Math.max(longest, now - last); last = now; }, 5);
    })()""")
    search(browser, "apfel 199")
    browser.wait_for(f"{FOUND} === '399 messages'")
    browser.press("Enter")
    browser.wait_for(f"{FOUND} === '1 of 399 messages'")
    longest = browser.value("longest")
    print(f"40 000 messages: loaded in {loaded:.1f} s, not answering for at most {longest:.0f} ms while searching")
    same(longest < 5_000, True, f"the page did not answer for {longest} ms")
    browser.value("location.hash = '#s150m100'; document.activeElement.blur()")
    browser.press("/", "/")
    browser.press("Escape")
    browser.wait_for(f"{FOUND} === ''")


def try_chats(browser, page, folder):
    browser.open(page)
    browser.value("location.hash = '#s3m4'")
    browser.picture(folder / "chats-inside.png")
    search(browser, "flight baggage")
    browser.wait_for(f"parseInt({FOUND}) > 1")
    browser.press("Enter")
    browser.wait_for(f"{FOUND}.startsWith('1 of ')")
    browser.picture(folder / "chats-search.png")
    browser.open(page, PHONE, "dark")
    browser.value("location.hash = document.querySelector('.branches').parentElement.id")
    browser.picture(folder / "chats-phone-branches.png")
    browser.value("location.hash = 's3m4'")
    browser.picture(folder / "chats-phone-inside.png")


def main(chromium, what, page):
    page = Path(page).resolve()
    with tempfile.TemporaryDirectory() as profile:
        browser = Browser(chromium, profile)
        try:
            {"small": try_small, "hostile": try_hostile, "large": try_large, "chats": try_chats}[what](
                browser, page.as_uri(), page.parent)
            if what != "large":
                take_pictures(browser, page.as_uri(), page.parent, what)
            same(browser.complaints, [], "what the page complained of")
            foreign = [url for url in browser.requests if url.split("#")[0] not in (page.as_uri(), "about:blank")]
            same(foreign, [], "requests that left the page")
        finally:
            browser.close()


main(*sys.argv[1:])
