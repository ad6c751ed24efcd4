#pragma once
#include <map>
#include <vector>

namespace scoria::load {

/// Seconds of CPU, user and system, that each of these processes has used with its children, those that ended included.
/// From /proc; counted in ticks of 10 ms.
std::map<int, double> cpu_seconds(const std::vector<int>& roots);
/// The same for this process alone.
double own_cpu_seconds();

}  // namespace scoria::load
