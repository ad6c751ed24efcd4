#include "scheduler/explanation.h"

#include <fmt/core.h>

#include <algorithm>
#include <map>

#include "scheduler/capacity.h"

namespace scoria::scheduler {
namespace {

double gib_of(Bytes size) { return static_cast<double>(size.count) / static_cast<double>(gib); }

/// Only room lacks there: the smaller the lack, the nearer the pool.
const Verdict* nearest(const std::vector<Verdict>& candidates) {
  const Verdict* best = nullptr;
  for (const Verdict& verdict : candidates) {
    if (verdict.objections.size() != 1 || verdict.objections[0].fix.empty()) continue;
    const auto distance = [](const Verdict& of) { return of.objections[0].missing.value_or(Bytes{}).count; };
    if (best == nullptr || distance(verdict) < distance(*best)) best = &verdict;
  }
  return best;
}

}  // namespace

bool Explanation::may_pass() const {
  return candidates.empty() || std::any_of(candidates.begin(), candidates.end(), [](const Verdict& verdict) {
           return std::all_of(verdict.objections.begin(), verdict.objections.end(), [](const Objection& objection) { return objection.temporary; });
         });
}

std::string Explanation::summary() const {
  if (candidates.empty()) return "No backend has reported a pool yet.";
  const auto passed = std::count_if(candidates.begin(), candidates.end(), [](const Verdict& verdict) { return verdict.passed(); });
  if (passed > 0) return fmt::format("{} of {} pools can take {}.", passed, candidates.size(), in_gib(wanted));
  std::map<std::string, int> kept_out;  // by the first objection
  for (const Verdict& verdict : candidates) ++kept_out[verdict.objections.front().filter];
  std::string reasons;
  for (const auto& [filter, count] : kept_out) reasons += fmt::format("{}{} by {}", reasons.empty() ? "" : ", ", count, filter);
  std::string out = fmt::format("None of {} pools can take {}: kept out {}.", candidates.size(), in_gib(wanted), reasons);
  if (const Verdict* verdict = nearest(candidates)) {
    const Objection& objection = verdict->objections[0];
    out += fmt::format(" Of the nearest, {}: {}.", objection.reason, objection.fix);
  }
  return out;
}

void Explanation::write(json::Writer& out, bool with_hosts) const {
  out.begin_object().field("summary", summary()).key("wanted_gib").number(gib_of(wanted));
  out.key("candidates").begin_array();
  for (const Verdict& verdict : candidates) {
    out.begin_object();
    if (with_hosts) out.field("host", verdict.host);
    out.field("passed", verdict.passed()).key("taken_gib").number(gib_of(verdict.taken));
    out.key("objections").begin_array();
    for (const Objection& objection : verdict.objections) {
      out.begin_object().field("filter", objection.filter).field("reason", objection.reason).key("fix").string_or_null(objection.fix);
      if (objection.missing) out.key("missing_gib").number(gib_of(*objection.missing));
      if (objection.ratio_needed) out.key("max_over_subscription_ratio_needed").number(*objection.ratio_needed);
      out.end_object();
    }
    out.end_array();
    if (verdict.passed()) {
      out.key("weight").number(verdict.weight).key("weights").begin_object();
      for (const auto& [name, weight] : verdict.weights) out.key(name).number(weight);
      out.end_object();
    }
    out.end_object();
  }
  out.end_array().key("notes").begin_array();
  for (const std::string& note : notes) out.string(note);
  out.end_array().end_object();
}

}  // namespace scoria::scheduler
