#pragma once
#include <span>
#include <string>
#include <string_view>

#include "drivers/driver.h"

/// Whether several nodes may work on a backend at once is proved for each version of a driver by the conformance kit, with
/// real processes; it is nothing that a driver says of itself.
namespace scoria::drivers {

/// What the kit puts three nodes through. A check more, or another number of this list, and every proof is to be made anew.
std::span<const std::string_view> node_checks();
inline constexpr int node_checks_version = 1;  // raised when a check becomes stricter under its name

/// Stands for a driver's version that passed all of node_checks(): 16 hexadecimal digits.
std::string proof_of(std::string_view driver, std::string_view version);
/// What `scoria-conformance --nodes --report` writes.
std::string proof_report(std::string_view driver, std::string_view version, std::uint64_t seed);
/// Why several nodes may not use this driver at once: a sentence's end for the operator. Empty: it is proved, by this build
/// for a driver of its own, or by the kit's report in `report_file` (may be empty).
std::string unproven(std::string_view driver, const Driver& made, const std::string& report_file);

}  // namespace scoria::drivers
