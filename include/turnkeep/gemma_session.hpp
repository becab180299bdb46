/*
 * The classes of the Gemma.cpp session management under their old names, over Turnkeep. Header-only, C++17 or newer.
 *
 *     gemma::session::SessionManager manager;
 *     manager.initialize();
 *     const auto id = manager.create_session();
 *     manager.add_message(id, gemma::session::ConversationMessage::Role::USER, "Hello!", 3);
 *     for (const auto& message : manager.get_context_messages(id)) prompt += message.content;
 *
 * For hosts that have used them: such a host links Turnkeep::gemma_session instead of Gemma::Session and stays as it is.
 * The target's include path also has Session.h, SessionStorage.h and SessionManager.h, alone, in session/ and in
 * gemma/session/. What is not quite as there, and which of its faults are gone, is in docs/moving.md. A new host is better
 * served by turnkeep.hpp.
 *
 * JSON values are nlohmann::json if that is on the include path, otherwise text; see TURNKEEP_GEMMA_NLOHMANN in
 * gemma_session/json.hpp.
 *
 * SPDX-License-Identifier: MIT OR Apache-2.0
 */

#ifndef TURNKEEP_GEMMA_SESSION_HPP
#define TURNKEEP_GEMMA_SESSION_HPP

#include "gemma_session/json.hpp"    // json
#include "gemma_session/manager.hpp" // SessionManager
#include "gemma_session/message.hpp" // ConversationMessage
#include "gemma_session/session.hpp" // Session
#include "gemma_session/storage.hpp" // SessionStorage

#endif
