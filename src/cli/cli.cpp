#include "cli/cli.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <map>

#include "cli/client.h"
#include "cli/table.h"
#include "json/parse.h"
#include "json/writer.h"

namespace scoria::cli {
namespace {

/// What the options of one command line say.
struct Wishes {
  std::string what;  // id or name
  std::string second;
  std::string name, size, type, snapshot, source, volume, output = "table", transport = "local", host = "localhost", initiator;
  bool wait = false, force = false, all = false;
};

struct Kind {
  std::string plural;
  std::vector<Column> columns;
};
const std::map<std::string, Kind> kinds = {
    {"volume", {"volumes", {{"ID", "id"}, {"Name", "name"}, {"Status", "status"}, {"GiB", "size"}, {"Type", "volume_type"}}}},
    {"snapshot", {"snapshots", {{"ID", "id"}, {"Name", "name"}, {"Status", "status"}, {"GiB", "size"}, {"Volume", "volume_id"}}}},
    {"attachment", {"attachments", {{"ID", "id"}, {"Status", "status"}, {"Volume", "volume_id"}, {"Instance", "instance"}}}},
};

void print(const std::string& text) { std::fputs(text.c_str(), stdout); }

/// 10, 10G, 1.5TiB … in whole GiB, rounded up; 0 when it is none.
std::int64_t gib_of(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  const char unit = *end == '\0' ? 'G' : static_cast<char>(std::toupper(static_cast<unsigned char>(*end)));
  const double factor = unit == 'T' ? 1024 : unit == 'G' ? 1 : unit == 'M' ? 1.0 / 1024 : 0;
  const double gib = number * factor;
  return gib <= 0 || gib > 1e9 ? 0 : static_cast<std::int64_t>(gib) + (gib > static_cast<double>(static_cast<std::int64_t>(gib)) ? 1 : 0);
}

std::string member(std::string_view outer, const std::vector<std::pair<std::string, std::string>>& texts, std::int64_t size = 0) {
  json::Writer out;
  out.begin_object().key(outer).begin_object();
  for (const auto& [key, value] : texts)
    if (!value.empty()) out.field(key, std::string_view{value});
  if (size > 0) out.field("size", size);
  return out.end_object().end_object().take();
}

/// By id, else by name: exactly one.
Result<json::Value> find(Client& client, const std::string& kind, const std::string& what) {
  const Kind& known = kinds.at(kind);
  if (const auto direct = client.get(fmt::format("/{}/{}", known.plural, what)); direct) return (*direct)[kind];
  if (kind == "attachment") return refuse(RefusalCode::not_found, "There is no attachment {}.", what);
  const auto listed = client.get(fmt::format("/{}/detail", known.plural));
  if (!listed) return listed;
  std::vector<json::Value> found;
  for (const json::Value& row : (*listed)[known.plural].array())
    if (row.text_or("name") == what) found.push_back(row);
  if (found.empty()) return refuse(RefusalCode::not_found, "There is no {} with the id or name '{}'. `scoria {} list` shows what there is.", kind, what, kind);
  if (found.size() > 1) return refuse(RefusalCode::conflict, "{} {}s are named '{}': say the id.", found.size(), kind, what);
  return found.front();
}

/// Until the resource rests: gone, or in a status that no operation will change.
Result<json::Value> settled(Client& client, const std::string& kind, const std::string& id) {
  for (int i = 0; i < 36000; ++i) {
    const auto now = client.get(fmt::format("/{}/{}", kinds.at(kind).plural, id));
    if (!now && now.error().code == RefusalCode::not_found) return json::Value{};
    if (!now) return now;
    const std::string status = (*now)[kind].text_or("status");
    if (status.starts_with("error")) return refuse(RefusalCode::backend_failed, "The {} is in status {}. `scoria operation list` tells why.", kind, status);
    if (status == "available" || status == "in-use" || status == "reserved") return (*now)[kind];
    client.clock().sleep(std::chrono::milliseconds{100});
  }
  return refuse(RefusalCode::timed_out, "The {} {} is not done after an hour; its operation goes on.", kind, id);
}

Result<> show(const json::Value& object, const Wishes& wishes) {
  print(wishes.output == "json" ? json::to_text(object) + "\n" : sheet(object));
  return {};
}

Result<> list(Client& client, const std::string& kind, const Wishes& wishes) {
  const Kind& known = kinds.at(kind);
  const auto listed = client.get(fmt::format("/{}{}{}", known.plural, kind == "attachment" ? "" : "/detail", wishes.all ? "?all_tenants=1" : ""));
  if (!listed) return refuse(listed.error());
  const json::Array& rows = (*listed)[known.plural].array();
  print(wishes.output == "json" ? json::to_text((*listed)[known.plural]) + "\n" : table(rows, known.columns));
  return {};
}

Result<> made(Client& client, const std::string& kind, Result<json::Value> answer, const Wishes& wishes) {
  if (!answer) return refuse(answer.error());
  if (!wishes.wait) return show((*answer)[kind], wishes);
  const auto now = settled(client, kind, (*answer)[kind].text_or("id"));
  if (!now) return refuse(now.error());
  return show(*now, wishes);
}

Result<> create_volume(Client& client, const Wishes& wishes) {
  const std::int64_t gib = gib_of(wishes.size);
  if (!wishes.size.empty() && gib == 0) return refuse(RefusalCode::invalid_input, "'{}' is no size; say 10, 10G or 1.5T.", wishes.size);
  std::string snapshot, source;
  if (!wishes.snapshot.empty()) {
    const auto found = find(client, "snapshot", wishes.snapshot);
    if (!found) return refuse(found.error());
    snapshot = found->text_or("id");
  }
  if (!wishes.source.empty()) {
    const auto found = find(client, "volume", wishes.source);
    if (!found) return refuse(found.error());
    source = found->text_or("id");
  }
  const std::string body = member("volume", {{"name", wishes.what}, {"volume_type", wishes.type}, {"snapshot_id", snapshot}, {"source_volid", source}}, gib);
  return made(client, "volume", client.call("POST", "/volumes", body), wishes);
}

Result<> create_snapshot(Client& client, const Wishes& wishes) {
  const auto volume = find(client, "volume", wishes.what);
  if (!volume) return refuse(volume.error());
  const std::string body = member("snapshot", {{"volume_id", volume->text_or("id")}, {"name", wishes.name}});
  return made(client, "snapshot", client.call("POST", "/snapshots", body), wishes);
}

Result<> remove(Client& client, const std::string& kind, const Wishes& wishes) {
  const auto found = find(client, kind, wishes.what);
  if (!found) return refuse(found.error());
  const std::string id = found->text_or("id");
  const auto done = client.call("DELETE", fmt::format("/{}/{}", kinds.at(kind).plural, id), {});
  if (!done) return refuse(done.error());
  if (!wishes.wait) return {};
  const auto now = settled(client, kind, id);
  return now ? Result<>{} : refuse(now.error());
}

Result<> act(Client& client, const Wishes& wishes, const std::string& body) {
  const auto volume = find(client, "volume", wishes.what);
  if (!volume) return refuse(volume.error());
  const auto done = client.call("POST", fmt::format("/volumes/{}/action", volume->text_or("id")), body);
  if (!done) return refuse(done.error());
  if (!wishes.wait) return {};
  const auto now = settled(client, "volume", volume->text_or("id"));
  if (!now) return refuse(now.error());
  return show(*now, wishes);
}

Result<> extend(Client& client, const Wishes& wishes) {
  const std::int64_t gib = gib_of(wishes.second);
  if (gib == 0) return refuse(RefusalCode::invalid_input, "'{}' is no size; say 10, 10G or 1.5T.", wishes.second);
  return act(client, wishes, fmt::format(R"({{"os-extend":{{"new_size":{}}}}})", gib));
}

Result<> revert(Client& client, const Wishes& wishes) {
  const auto snapshot = find(client, "snapshot", wishes.second);
  if (!snapshot) return refuse(snapshot.error());
  return act(client, wishes, member("revert", {{"snapshot_id", snapshot->text_or("id")}}));
}

/// Prints the device, or the URI, and mounts nothing.
Result<> attach(Client& client, const Wishes& wishes) {
  const auto volume = find(client, "volume", wishes.what);
  if (!volume) return refuse(volume.error());
  json::Writer out;
  out.begin_object().key("attachment").begin_object().field("volume_uuid", std::string_view{volume->text_or("id")}).key("connector").begin_object();
  out.field("host", std::string_view{wishes.host}).field("scoria_transport", std::string_view{wishes.transport});
  if (!wishes.initiator.empty()) out.field("initiator", std::string_view{wishes.initiator});
  const auto made = client.call("POST", "/attachments", out.end_object().end_object().end_object().take());
  if (!made) return refuse(made.error());
  const json::Value& attachment = (*made)["attachment"];
  const std::string id = attachment.text_or("id");
  if (const auto done = client.call("POST", fmt::format("/attachments/{}/action", id), R"({"os-complete":{}})"); !done) return refuse(done.error());
  if (wishes.output == "json") return show(attachment, wishes);
  const json::Value& connection = attachment["connection_info"];
  const std::string device = connection.text_or("device_path"), iqn = connection.text_or("target_iqn");
  const std::string uri = iqn.empty() ? connection.text_or("uri")
                                      : fmt::format("iscsi://{}%{}@{}/{}/{}", connection.text_or("auth_username"), connection.text_or("auth_password"),
                                                    connection.text_or("target_portal"), iqn, connection.integer_or("target_lun"));
  print((device.empty() ? uri : device) + "\n");
  std::fprintf(stderr, "attachment %s; `scoria detach %s` ends it\n", id.c_str(), wishes.what.c_str());
  return {};
}

/// Every attachment of a volume, or one attachment.
Result<> detach(Client& client, const Wishes& wishes) {
  if (const auto one = client.get("/attachments/" + wishes.what); one) {
    const auto done = client.call("DELETE", "/attachments/" + wishes.what, {});
    return done ? Result<>{} : refuse(done.error());
  }
  const auto volume = find(client, "volume", wishes.what);
  if (!volume) return refuse(volume.error());
  const auto listed = client.get("/attachments?volume_id=" + volume->text_or("id"));
  if (!listed) return refuse(listed.error());
  for (const json::Value& one : (*listed)["attachments"].array())
    if (const auto done = client.call("DELETE", "/attachments/" + one.text_or("id"), {}); !done) return refuse(done.error());
  return {};
}

Result<> operations(Client& client, const Wishes& wishes) {
  const auto listed = client.get("/scoria/v1/operations");
  if (!listed) return refuse(listed.error());
  if (wishes.output == "json") return show(*listed, wishes);
  print(table((*listed)["operations"].array(), {{"ID", "id"}, {"Kind", "kind"}, {"State", "state"}, {"Step", "step"}, {"Resource", "resource_id"}, {"Reason", "reason"}}));
  return {};
}

Result<> operation(Client& client, const Wishes& wishes) {
  const auto one = client.get("/scoria/v1/operations/" + wishes.what);
  if (!one) return refuse(one.error());
  return show(one->find("operation") != nullptr ? (*one)["operation"] : *one, wishes);
}

Result<> cancel(Client& client, const Wishes& wishes) {
  const auto done = client.call("POST", "/scoria/v1/operations/" + wishes.what + "/cancel", "{}");
  return done ? Result<>{} : refuse(done.error());
}

int exit_code(RefusalCode code) {
  switch (code) {
    case RefusalCode::not_found: return 3;
    case RefusalCode::conflict:
    case RefusalCode::invalid_state:
    case RefusalCode::precondition_failed: return 4;
    case RefusalCode::unauthorized:
    case RefusalCode::forbidden: return 5;
    case RefusalCode::over_quota: return 6;
    case RefusalCode::timed_out: return 7;
    case RefusalCode::invalid_input:
    case RefusalCode::unsupported:
    case RefusalCode::unavailable:
    case RefusalCode::too_large:
    case RefusalCode::not_acceptable:
    case RefusalCode::media_type:
    case RefusalCode::backend_failed: break;
  }
  return 1;
}

using Verb = std::function<Result<>(Client&, const Wishes&)>;

/// The nouns, their verbs and options; what was chosen ends in `chosen`.
void describe(CLI::App& app, Wishes& wishes, Verb& chosen) {
  const auto verb = [&](CLI::App* noun, const std::string& name, const std::string& help, Verb run) {
    CLI::App* command = noun->add_subcommand(name, help);
    command->add_option("-o,--output", wishes.output, "table or json")->check(CLI::IsMember({"table", "json"}));
    command->callback([&chosen, run = std::move(run)] { chosen = run; });
    return command;
  };
  for (const char* noun : {"volume", "snapshot", "attachment"}) {
    CLI::App* group = app.add_subcommand(noun, fmt::format("{}s", noun));
    group->require_subcommand(1);
    const std::string kind = noun;
    verb(group, "list", "what there is", [kind](Client& client, const Wishes& given) { return list(client, kind, given); })->add_flag("--all-projects", wishes.all);
    verb(group, "show", "everything about one", [kind](Client& client, const Wishes& given) -> Result<> {
      const auto found = find(client, kind, given.what);
      return found ? show(*found, given) : refuse(found.error());
    })->add_option("id", wishes.what, "id or name")->required();
    CLI::App* erase = verb(group, "delete", "end one", [kind](Client& client, const Wishes& given) { return remove(client, kind, given); });
    erase->add_option("id", wishes.what, "id or name")->required();
    erase->add_flag("--wait", wishes.wait, "until it is gone");
    if (kind == "volume") {
      CLI::App* create = verb(group, "create", "make one", create_volume);
      create->add_option("name", wishes.what)->required();
      create->add_option("--size", wishes.size, "10, 10G, 1.5T");
      create->add_option("--type", wishes.type);
      create->add_option("--snapshot", wishes.snapshot, "copy of a snapshot");
      create->add_option("--source", wishes.source, "copy of a volume");
      create->add_flag("--wait", wishes.wait, "until it is there");
      CLI::App* grow = verb(group, "extend", "make one larger", extend);
      grow->add_option("id", wishes.what)->required();
      grow->add_option("size", wishes.second)->required();
      grow->add_flag("--wait", wishes.wait);
      CLI::App* back = verb(group, "revert", "back to its newest snapshot", revert);
      back->add_option("id", wishes.what)->required();
      back->add_option("snapshot", wishes.second)->required();
      back->add_flag("--wait", wishes.wait);
    }
    if (kind == "snapshot") {
      CLI::App* create = verb(group, "create", "of a volume", create_snapshot);
      create->add_option("volume", wishes.what)->required();
      create->add_option("--name", wishes.name);
      create->add_flag("--wait", wishes.wait);
    }
  }
  CLI::App* work = app.add_subcommand("operation", "work that is under way or done");
  work->require_subcommand(1);
  verb(work, "list", "newest first", operations);
  verb(work, "show", "one, with its steps", operation)->add_option("id", wishes.what)->required();
  verb(work, "cancel", "stop one, while it can be", cancel)->add_option("id", wishes.what)->required();
  CLI::App* on = verb(&app, "attach", "make a volume usable on this machine; prints its device or URI", attach);
  on->add_option("volume", wishes.what)->required();
  on->add_option("--transport", wishes.transport, "local, nbd, nbd+unix or iscsi");
  on->add_option("--initiator", wishes.initiator, "name of this host's iSCSI initiator, which iscsi needs (/etc/iscsi/initiatorname.iscsi)");
  on->add_option("--host", wishes.host, "name of this host");
  verb(&app, "detach", "end a volume's attachments, or one by its id", detach)->add_option("volume", wishes.what)->required();
  app.require_subcommand(1);
}

}  // namespace

bool knows(const std::string& noun) {
  static const std::vector<std::string> nouns = {"volume", "snapshot", "attachment", "operation", "attach", "detach"};
  return std::find(nouns.begin(), nouns.end(), noun) != nouns.end();
}

int run(const std::vector<std::string>& words, const Environment& environment) {
  CLI::App app("Scoria's client", "scoria");
  Wishes wishes;
  Verb chosen;
  describe(app, wishes, chosen);
  try {
    app.parse(std::vector<std::string>(words.rbegin(), words.rend()));
  } catch (const CLI::ParseError& problem) {
    return app.exit(problem) == 0 ? 0 : 2;
  }
  const auto fail = [](const Refusal& refusal) {
    std::fprintf(stderr, "scoria: %s\n", refusal.message.c_str());
    return exit_code(refusal.code);
  };
  const auto access = find_access(environment);
  if (!access) return fail(access.error());
  SystemClock clock;
  const auto http = net::make_http_client(clock, {});
  auto client = Client::log_in(clock, *http, *access);
  if (!client) return fail(client.error());
  const Result<> done = chosen(*client, wishes);
  return done ? 0 : fail(done.error());
}

}  // namespace scoria::cli
