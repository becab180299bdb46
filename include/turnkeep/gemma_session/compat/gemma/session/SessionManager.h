// The name under which hosts of the Gemma.cpp session management include this: see turnkeep/gemma_session.hpp.

#pragma once

#include "../../../manager.hpp"
