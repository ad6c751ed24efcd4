#include <unistd.h>

#include "cli/progress.h"
#include "cli/resources.h"
#include "json/writer.h"

namespace scoria::cli {
namespace {

/// What a host opens: a device or a URI; that of iSCSI in libiscsi's form, `credentials` in it.
std::string place_of(const json::Value& connection, bool credentials) {
  for (const char* key : {"device_path", "uri"})
    if (const std::string text = connection.text_or(key); !text.empty()) return text;
  const std::string portal = connection.text_or("target_portal");
  if (portal.empty()) return "-";
  const std::string login = credentials ? fmt::format("{}%{}@", connection.text_or("auth_username"), connection.text_or("auth_password")) : "";
  return fmt::format("iscsi://{}{}/{}/{}", login, portal, connection.text_or("target_iqn"), connection.integer_or("target_lun"));
}
std::string place_cell(const json::Value& row) { return place_of(row["connection_info"], false); }
std::string transport_cell(const json::Value& row) { return row["connection_info"].text_or("driver_volume_type", "-"); }

std::string own_host() {
  char name[256] = "localhost";
  ::gethostname(name, sizeof name - 1);
  return name;
}

Result<json::Value> make(Session& session) {
  const Given& given = session.given;
  const auto volume = find_id(session.client, volume_kind(), given.text("volume"));
  if (!volume) return refuse(volume.error());
  json::Writer out;
  out.begin_object().key("attachment").begin_object().field("volume_uuid", std::string_view{*volume});
  if (given.has("read-only")) out.field("mode", "ro");
  if (given.has("instance")) out.field("instance_uuid", std::string_view{given.text("instance")});
  out.key("connector").begin_object().field("host", std::string_view{given.text("host", own_host())});
  if (given.has("initiator")) out.field("initiator", std::string_view{given.text("initiator")});
  out.field("scoria_transport", std::string_view{given.text("transport", "local")}).end_object();
  const auto made = session.client.call("POST", "/attachments", out.end_object().end_object().take());
  if (!made) return refuse(made.error());
  return (*made)["attachment"];
}

Result<> complete_id(Client& client, const std::string& id) {
  const auto done = client.call("POST", fmt::format("/attachments/{}/action", id), R"({"os-complete":{}})");
  return done ? Result<>{} : refuse(done.error());
}

/// Prints what a host opens and nothing else; mounts nothing.
Result<> attach(Session& session) {
  const auto made = make(session);
  if (!made) return refuse(made.error());
  const std::string id = made->text_or("id");
  if (const auto done = complete_id(session.client, id); !done) return done;
  if (session.output.json() || session.given.has("column")) {
    const auto now = again(session.client, attachment_kind(), id);
    return now ? session.output.show(*now, attachment_kind().sheet) : refuse(now.error());
  }
  session.output.say(place_of((*made)["connection_info"], true));
  session.output.remark(fmt::format("Attached. `scoria detach {}` ends it.", session.given.text("volume")));
  return {};
}

Result<> create(Session& session) {
  const auto made = make(session);
  return made ? session.output.show(*made, attachment_kind().sheet) : refuse(made.error());
}

Result<> end(Client& client, const std::string& id) {
  const auto done = client.call("DELETE", "/attachments/" + id, {});
  return done ? Result<>{} : refuse(done.error());
}

/// Every attachment of a volume, or one attachment.
Result<> detach(Session& session) {
  const std::string what = session.given.text("volume");
  const auto one = find_id(session.client, attachment_kind(), what);
  if (one) return end(session.client, *one);
  const auto volume = find_id(session.client, volume_kind(), what);
  if (!volume) return refuse(volume.error());
  const auto listed = session.client.list("/attachments?volume_id=" + *volume, "attachments");
  if (!listed) return refuse(listed.error());
  if (listed->empty()) return refuse(RefusalCode::invalid_state, "Volume {} is not attached.", what);
  if (listed->size() > 1 && !session.given.has("all"))
    return refuse(RefusalCode::conflict, "Volume {0} is attached {1} times. End one by its id (`scoria attachment list --volume {0}`), or say --all.",
                  what, listed->size());
  for (const json::Value& attachment : *listed)
    if (const auto done = end(session.client, attachment.text_or("id")); !done) return done;
  return {};
}

Result<> list(Session& session) {
  std::vector<std::pair<std::string, std::string>> query;
  if (session.given.has("volume")) {
    const auto volume = find_id(session.client, volume_kind(), session.given.text("volume"));
    if (!volume) return refuse(volume.error());
    query.emplace_back("volume_id", *volume);
  }
  return list_of(session, attachment_kind(), query);
}

Result<> show(Session& session) {
  const auto found = find(session.client, attachment_kind(), session.given.text("attachment"));
  return found ? session.output.show(*found, attachment_kind().sheet) : refuse(found.error());
}

Result<> complete(Session& session) {
  const auto id = find_id(session.client, attachment_kind(), session.given.text("attachment"));
  return id ? complete_id(session.client, *id) : refuse(id.error());
}

Result<> remove(Session& session) {
  for (const std::string& what : session.given.all("attachment")) {
    const auto id = find_id(session.client, attachment_kind(), what);
    if (!id) return refuse(id.error());
    if (const auto done = end(session.client, *id); !done) return done;
  }
  return {};
}

}  // namespace

const Kind& attachment_kind() {
  static const Kind kind{"attachment",
                         "attachments",
                         "/attachments",
                         "/detail", false,
                         {{"ID", "id"},
                          {"STATUS", "status"},
                          {"VOLUME", "volume_id"},
                          {"BY", "transport", transport_cell},
                          {"AT", "place", place_cell},
                          {"MODE", "attach_mode"}},
                         {{"id", "id"},
                          {"status", "status"},
                          {"volume", "volume_id"},
                          {"instance", "instance"},
                          {"by", "transport", transport_cell},
                          {"at", "place", place_cell},
                          {"mode", "attach_mode"}}};
  return kind;
}

std::vector<Verb> attachment_verbs() {
  constexpr auto nothing = Option::Takes::nothing;
  const Argument one{"attachment", "id, or its beginning"}, volume{"volume", "id or name"};
  const std::vector<Option> how = {{"transport", "local (a device of the machine Scoria runs on), nbd, nbd+unix or iscsi"},
                                   {"host", "name of the host that will use it; this one"},
                                   {"initiator", "its name in iSCSI, which iscsi needs (/etc/iscsi/initiatorname.iscsi)"},
                                   {"instance", "id of the machine that will use it"},
                                   {"read-only", "without the right to write", nothing}};
  return {
      {"", "attach", "make a volume usable; prints its device or URI, mounts nothing", {volume}, how, attach},
      {"",
       "detach",
       "end the use of a volume, by its id or name or the attachment's id",
       {volume},
       {{"all", "every attachment of the volume", nothing}},
       detach},
      {"attachment", "create", "connect a host, in two steps: `attachment complete` is the second", {volume}, how, create},
      {"attachment", "complete", "the host uses it", {one}, {}, complete},
      {"attachment", "list", "what there is", {}, filters({{"volume", "only of that volume"}}), list},
      {"attachment", "show", "everything about one; with -o json what the host must know", {one}, {}, show},
      {"attachment", "delete", "end attachments", {{"attachment...", "ids, or their beginnings"}}, {}, remove},
  };
}

}  // namespace scoria::cli
