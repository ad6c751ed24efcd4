#include "base/failpoint.h"

#include <fmt/core.h>
#include <signal.h>
#include <unistd.h>

#include <charconv>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <vector>

#include "base/clock.h"
#include "base/random.h"

// Set by the linker around the section that FAILPOINT fills; weak, so that a program without any site links too.
extern scoria::failpoint::Site* __start_scoria_failpoints[] __attribute__((weak));
extern scoria::failpoint::Site* __stop_scoria_failpoints[] __attribute__((weak));

namespace scoria::failpoint {
namespace {

struct Term {
  std::uint64_t percent = 100;
  std::uint64_t times = 0;  // 0 = for ever
  std::string action;
  std::string argument;
};

struct Plan {
  std::vector<Term> terms;
  std::size_t current = 0;
  std::uint64_t used = 0;  // of the current term
  std::uint64_t hits = 0;
};

std::mutex mutex;  // guards plans
std::map<std::string, Plan, std::less<>> plans;
std::atomic<Handler> handler{nullptr};

bool known_action(std::string_view action) {
  static constexpr std::string_view all[] = {"off", "return", "kill", "exit", "pause", "hang", "delay", "drop_reply", "yield", "print", "panic"};
  return std::find(std::begin(all), std::end(all), action) != std::end(all);
}

bool leading_number(std::string_view& text, char end, std::uint64_t& out) {
  const auto at = text.find(end);
  if (at == std::string_view::npos || at == 0) return false;
  const auto [stop, error] = std::from_chars(text.data(), text.data() + at, out);
  if (error != std::errc{} || stop != text.data() + at) return false;
  text.remove_prefix(at + 1);
  return true;
}

Term parse_term(std::string_view text) {
  Term term;
  const std::string whole(text);
  leading_number(text, '%', term.percent);
  leading_number(text, '*', term.times);
  if (const auto open = text.find('('); open != std::string_view::npos) {
    if (text.back() != ')') throw std::invalid_argument("failpoint: no closing bracket in '" + whole + "'");
    term.argument = text.substr(open + 1, text.size() - open - 2);
    text = text.substr(0, open);
  }
  term.action = text;
  if (!known_action(term.action)) throw std::invalid_argument("failpoint: unknown action in '" + whole + "'");
  return term;
}

Plan parse(std::string_view terms) {
  Plan plan;
  while (true) {
    const auto arrow = terms.find("->");
    plan.terms.push_back(parse_term(terms.substr(0, arrow)));
    if (arrow == std::string_view::npos) return plan;
    terms.remove_prefix(arrow + 2);
  }
}

/// Counts the hit and picks the term that acts on it; an exhausted chain does nothing.
Term choose(const Site& site) {
  static SystemRandom random;
  const std::lock_guard lock(mutex);
  const auto found = plans.find(site.name);
  if (found == plans.end()) return {.action = "off"};
  Plan& plan = found->second;
  ++plan.hits;
  if (plan.current >= plan.terms.size()) return {.action = "off"};
  Term term = plan.terms[plan.current];
  if (term.percent < 100 && random.below(100) >= term.percent) return {.action = "off"};
  if (term.times != 0 && ++plan.used >= term.times) {
    ++plan.current;
    plan.used = 0;
  }
  return term;
}

/// `ms`, or anything between `least,most`.
std::chrono::milliseconds time_of(const std::string& argument) {
  static SystemRandom random;
  char* end = nullptr;
  const long long least = std::strtoll(argument.c_str(), &end, 10);
  const long long most = *end == ',' ? std::strtoll(end + 1, nullptr, 10) : least;
  return std::chrono::milliseconds{least + (most > least ? static_cast<long long>(random.below(static_cast<std::uint64_t>(most - least + 1))) : 0)};
}

void act(const Site& site, const Term& term) {
  if (term.action == "off") return;
  if (term.action == "return") throw Injected(site.name, term.argument.empty() ? "injected error" : term.argument, false);
  if (term.action == "drop_reply") throw Injected(site.name, "injected: reply lost", true);
  if (term.action == "kill") ::kill(::getpid(), SIGKILL);
  if (term.action == "exit") ::_exit(term.argument.empty() ? 75 : std::atoi(term.argument.c_str()));
  if (term.action == "pause" || term.action == "delay") SystemClock{}.sleep(time_of(term.argument));
  if (term.action == "hang") SystemClock{}.sleep(std::chrono::hours{24});
  if (term.action == "print") std::fprintf(stderr, "failpoint %s %s\n", site.name, term.argument.c_str());
  if (term.action == "panic") std::abort();
}

Site* find(std::string_view name) {
  for (Site* site : sites())
    if (name == site->name) return site;
  return nullptr;
}

}  // namespace

std::span<Site* const> sites() {
  return {__start_scoria_failpoints, __stop_scoria_failpoints};
}

void arm(std::string_view name, std::string_view terms) {
  const Plan plan = parse(terms);
  const std::lock_guard lock(mutex);
  if (name != "*" && find(name) == nullptr) throw std::invalid_argument(fmt::format("failpoint: no site named '{}'", name));
  const bool off = terms == "off";  // alone, not in a chain: nothing is injected, nothing counted
  for (Site* site : sites()) {
    if (name != "*" && name != site->name) continue;
    if (off)
      plans.erase(site->name);
    else
      plans[site->name] = plan;
    site->armed = off ? 0 : 1;
  }
}

void disarm_all() {
  const std::lock_guard lock(mutex);
  plans.clear();
  for (Site* site : sites()) site->armed = 0;
}

void arm_from(std::string_view settings) {
  while (!settings.empty()) {
    const auto end = std::min(settings.find(';'), settings.size());
    const std::string_view one = settings.substr(0, end);
    const auto equals = one.find('=');
    if (equals == std::string_view::npos) throw std::invalid_argument(fmt::format("failpoint: '{}' is not site=terms", one));
    arm(one.substr(0, equals), one.substr(equals + 1));
    settings.remove_prefix(std::min(end + 1, settings.size()));
  }
}

void hit(Site& site) {
  if (const Handler installed = handler.load(std::memory_order_acquire)) return installed(site);
  act(site, choose(site));
}

void set_handler(Handler installed) {
  handler.store(installed, std::memory_order_release);
  for (Site* site : sites()) site->armed = installed != nullptr ? 1 : 0;
}

std::uint64_t hits(std::string_view site) {
  const std::lock_guard lock(mutex);
  const auto found = plans.find(site);
  return found == plans.end() ? 0 : found->second.hits;
}

}  // namespace scoria::failpoint
