#include "cli/cli.h"

#include <unistd.h>

#include <cstdio>

#include "base/text.h"
#include "json/writer.h"

namespace scoria::cli {
namespace {

Terminal terminal_of(const Environment& environment) {
  Terminal out;
  out.out = ::isatty(STDOUT_FILENO) == 1, out.error = ::isatty(STDERR_FILENO) == 1;
  out.colour = out.out && variable(environment, "NO_COLOR").empty() && variable(environment, "TERM") != "dumb";
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const std::string locale = lower_case(variable(environment, name));
    if (locale.empty()) continue;
    out.unicode = locale.find("utf-8") != std::string::npos || locale.find("utf8") != std::string::npos;
    break;
  }
  return out;
}

std::string_view code_text(RefusalCode code) {
  switch (code) {
    case RefusalCode::not_found: return "not_found";
    case RefusalCode::conflict: return "conflict";
    case RefusalCode::invalid_state: return "invalid_state";
    case RefusalCode::over_quota: return "over_quota";
    case RefusalCode::unauthorized: return "unauthorized";
    case RefusalCode::forbidden: return "forbidden";
    case RefusalCode::timed_out: return "still_running";
    case RefusalCode::unavailable: return "unavailable";
    case RefusalCode::unsupported: return "unsupported";
    case RefusalCode::backend_failed: return "failed";
    case RefusalCode::precondition_failed: return "precondition_failed";
    case RefusalCode::invalid_input:
    case RefusalCode::too_large:
    case RefusalCode::not_acceptable:
    case RefusalCode::media_type: break;
  }
  return "invalid_input";
}

int fail(const Refusal& refusal, const Verb& verb, bool as_json) {
  const std::string hint = hint_for(refusal, verb);
  if (as_json) {
    json::Writer out;
    out.begin_object()
        .key("error")
        .begin_object()
        .field("code", refusal.detail == "interrupted" ? "interrupted" : code_text(refusal.code))
        .field("exit", exit_code(refusal));
    out.field("message", std::string_view{refusal.message}).field("hint", std::string_view{hint});
    std::fprintf(stderr, "%s\n", out.end_object().end_object().take().c_str());
  } else {
    std::fprintf(stderr, "scoria: %s\n%s", refusal.message.c_str(), hint.empty() ? "" : ("  -> " + hint + "\n").c_str());
  }
  return exit_code(refusal);
}

Result<> ask(const Verb& verb, const Given& given, const Environment& environment, Output& output) {
  const auto access = find_access(environment, given.text("os-cloud"));
  if (!access) return refuse(access.error());
  SystemClock clock;
  const auto http = net::make_http_client(clock, {.ca_file = access->ca_file, .insecure = access->insecure, .user_agent = "scoria-cli"});
  auto client = Client::log_in(clock, *http, *access);
  if (!client) return refuse(client.error());
  Session session{*client, given, output};
  return verb.run(session);
}

/// The last part of a refusal says what is really in the way.
bool ends_about(const std::string& message, std::string_view what) {
  const auto colon = message.rfind(": ");
  return colon != std::string::npos && message.find(what, colon) != std::string::npos;
}

}  // namespace

int exit_code(const Refusal& refusal) {
  if (refusal.detail == "interrupted") return 130;
  switch (refusal.code) {
    case RefusalCode::not_found: return 3;
    case RefusalCode::conflict:
    case RefusalCode::invalid_state:
    case RefusalCode::precondition_failed: return 4;
    case RefusalCode::unauthorized:
    case RefusalCode::forbidden: return 5;
    case RefusalCode::over_quota: return 6;
    case RefusalCode::timed_out: return 7;
    case RefusalCode::unavailable: return 8;
    case RefusalCode::invalid_input:
    case RefusalCode::unsupported:
    case RefusalCode::too_large:
    case RefusalCode::not_acceptable:
    case RefusalCode::media_type:
    case RefusalCode::backend_failed: break;
  }
  return 1;
}

std::string hint_for(const Refusal& refusal, const Verb& verb) {
  if (refusal.message.find('`') != std::string::npos) return {};  // it says so itself
  switch (refusal.code) {
    case RefusalCode::unavailable: return "Is it running? `scoria serve` starts it; clouds.yaml or OS_AUTH_URL say where it is looked for.";
    case RefusalCode::unauthorized:
      return "Check OS_CLOUD and clouds.yaml, or OS_USERNAME, OS_PASSWORD and OS_PROJECT_NAME. The first start of Scoria says where it wrote them.";
    case RefusalCode::forbidden: return "This takes another role; an administrator can do it, or give you the role.";
    case RefusalCode::over_quota:
      return verb.noun == "volume" || verb.noun == "snapshot"
                 ? "`scoria quota show` shows the limits, `scoria pool list` (administrators) the room there is."
                 : "`scoria quota show` shows the limits.";
    case RefusalCode::invalid_state:
    case RefusalCode::conflict:
      if (verb.name == "delete" && ends_about(refusal.message, "attachment")) return "`scoria detach VOLUME` ends the use of it.";
      if (verb.name == "delete" && ends_about(refusal.message, "snapshot"))
        return "`scoria snapshot list --volume VOLUME` shows them; --cascade deletes them too.";
      if (verb.noun == "volume" || verb.noun == "snapshot")
        return fmt::format("`scoria {} show` shows the state it is in, `scoria operation list --unfinished` what is under way.", verb.noun);
      return {};
    case RefusalCode::backend_failed:
      return verb.noun == "admin"
                 ? ""
                 : "`scoria operation list` shows the operation, `scoria operation show ID` all about it; `scoria status` how the storage is.";
    case RefusalCode::timed_out:
    case RefusalCode::invalid_input:
    case RefusalCode::not_found:
    case RefusalCode::unsupported:
    case RefusalCode::precondition_failed:
    case RefusalCode::too_large:
    case RefusalCode::not_acceptable:
    case RefusalCode::media_type: break;
  }
  return {};
}

int run(const std::vector<std::string>& words, const Environment& environment, std::vector<Verb> local) {
  const std::vector<Verb> verbs = all_verbs(std::move(local));
  const Parsed parsed = parse(verbs, words);
  if (parsed.verb == nullptr) return parsed.exit_code;
  if (works_locally(*parsed.verb, parsed.given)) return parsed.verb->local(parsed.given);
  Output output(parsed.given.text("output", "table"), parsed.given.all("column"), terminal_of(environment));
  const Result<> done = ask(*parsed.verb, parsed.given, environment, output);
  if (!done && parsed.verb->local_if_unreachable && done.error().code == RefusalCode::unavailable) {
    std::fprintf(stderr, "scoria: %s\nWhat can be seen from this machine:\n", done.error().message.c_str());
    return parsed.verb->local(parsed.given);
  }
  return done ? 0 : fail(done.error(), *parsed.verb, output.json());
}

}  // namespace scoria::cli
