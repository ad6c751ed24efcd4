#include "api/request_metrics.h"

#include <fmt/core.h>

namespace scoria::api {
namespace {

const metrics::Counters answers{"scoria_http_answers_total", "Answers given, by route and status.", {"route", "code"}};
const metrics::Histograms seconds{"scoria_http_answer_seconds", "Time from a whole request to its answer, by route.", {"route"}};

}  // namespace

RequestMetrics::Handles RequestMetrics::handles(const Route* route, int status) {
  const std::lock_guard lock(mutex_);
  const std::pair key(route, status);
  const auto found = known_.find(key);
  if (found != known_.end()) return found->second;
  const std::string_view name = route == nullptr ? "unknown" : route->handler;
  const Handles made{answers.with({name, fmt::format("{}", status)}), seconds.with({name})};
  known_.emplace(key, made);
  return made;
}

void RequestMetrics::count(const Route* route, int status, Duration time) {
  const Handles to = handles(route, status);
  to.answers.add();
  to.seconds.observe(std::chrono::duration<double>(time).count());
}

}  // namespace scoria::api
