#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "json/value.h"

/// Extra specs of volume types against what pools report.
namespace scoria::scheduler {

/// Does one reported value meet one requirement? The requirement is a text that must be equal, or begins with an
/// operator: <is> <in> <or> = == != >= <= s== s!= s< s<= s> s>= (`=` means >=).
bool meets(const json::Value& value, std::string_view requirement);

/// A reported value as Python's str() has it: True, 5, 1.5, text. Nothing for null, lists and objects.
std::optional<std::string> as_text(const json::Value& value);

/// Looks for the value that `key` ("a", "a:b", "capabilities:a") asks about, and whether it, or any member of it if it is
/// a list, meets the requirement. True also for keys with another scope: they are no matter of placement. `why` says what
/// is wrong otherwise.
bool capability_meets(const json::Value& facts, std::string_view key, std::string_view requirement, std::string& why);

}  // namespace scoria::scheduler
