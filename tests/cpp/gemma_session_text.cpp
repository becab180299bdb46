// The tests of gemma_session.cpp for hosts that have no nlohmann::json: values are text.

#define TURNKEEP_GEMMA_NLOHMANN 0

#include "gemma_session.cpp"

static_assert(std::is_base_of_v<std::string, json>);
static_assert(std::is_convertible_v<const char*, json> && std::is_convertible_v<std::string, json>);
static_assert(std::is_convertible_v<const json&, const std::string&>);
