#include "api/volumes/handlers.h"

#include <map>
#include <set>

#include "api/volumes/load.h"
#include "api/volumes/requests.h"
#include "api/volumes/view.h"
#include "commands/volumes/create.h"
#include "commands/volumes/delete.h"
#include "commands/volumes/update.h"
#include "json/parse.h"
#include "store/attachments/attachments.h"
#include "store/volumes/list.h"

namespace scoria::api {
namespace {

http::Response reply_with(const ApiRequest& request, const VolumeView& view, VolumeForm form) {
  json::Writer out;
  out.begin_object().key("volume");
  write_volume(out, request, VolumeSight(request), view, form);
  return request.reply(out.end_object().take());
}

Answer create(Services& services, ApiRequest& request) {
  const auto wanted = read_create_volume(request);
  if (!wanted) return refuse(wanted.error());
  auto volume = commands::create_volume(services.commands, request.context, *wanted);
  if (!volume) return refuse(volume.error());
  auto shown = services.database.read_one([&](db::Transaction& tx) { return store::volumes::find_shown(tx, volume->id); });
  // Deleted again in between: what was accepted is the answer all the same.
  if (!shown) return reply_with(request, {*volume, {}, {}, {}}, VolumeForm::create);
  return reply_with(request, {std::move(shown->volume), std::move(shown->type_name), std::move(shown->service_uuid), {}}, VolumeForm::create);
}

Answer show(Services& services, ApiRequest& request) {
  const auto view = load_volume(services, request, request.capture("volume_id"));
  if (!view) return refuse(view.error());
  return reply_with(request, *view, VolumeForm::detail);
}

Answer update(Services& services, ApiRequest& request) {
  const auto volume = authorised_volume(services, request, request.capture("volume_id"));
  if (!volume) return refuse(volume.error());
  const auto wanted = read_describe_volume(request);
  if (!wanted) return refuse(wanted.error());
  if (const auto done = commands::describe_volume(services.commands, volume->id, *wanted); !done) return refuse(done.error());
  auto shown = services.database.read_one([&](db::Transaction& tx) { return store::volumes::find_shown(tx, volume->id); });
  if (!shown) return refuse(RefusalCode::not_found, "Volume {} could not be found.", volume->id.text);
  return reply_with(request, {std::move(shown->volume), std::move(shown->type_name), std::move(shown->service_uuid), {}}, VolumeForm::create);
}

Answer remove(Services& services, ApiRequest& request) {
  const auto volume = authorised_volume(services, request, request.capture("volume_id"));
  if (!volume) return refuse(volume.error());
  const auto wanted = read_delete_volume(request);
  if (!wanted) return refuse(wanted.error());
  if (const auto accepted = commands::delete_volume(services.commands, request.context, *volume, *wanted); !accepted) return refuse(accepted.error());
  return request.reply();
}

struct Page {
  std::vector<store::volumes::Shown> rows;
  std::map<std::string, std::vector<Attachment>> attachments;
  std::optional<std::int64_t> count;
};

/// One statement for the page, one more if any volume on it is attached: never one per volume.
Result<Page> read_page(Services& services, const ListQuery& query, bool with_attachments) {
  return services.database.read([&](db::Transaction& tx) -> Result<Page> {
    auto listed = store::run_list(tx, store::volumes::list_table, query);
    if (!listed) return refuse(listed.error());
    Page page;
    page.count = listed->count;
    std::vector<std::string> attached;
    page.rows.reserve(listed->rows.size());
    for (std::size_t i = 0; i < listed->rows.size(); ++i) {
      page.rows.push_back(store::volumes::read_shown(listed->rows, i));
      if (page.rows.back().volume.attachments > 0) attached.push_back(page.rows.back().volume.id.text);
    }
    if (with_attachments) page.attachments = store::attachments::of_volumes(tx, attached);
    return page;
  });
}

Answer list(Services& services, ApiRequest& request, bool detail) {
  const auto query = read_list(request, volume_list, services.lists);
  if (!query) return refuse(query.error());
  auto page = read_page(services, *query, detail);
  if (!page) return refuse(page.error());
  const VolumeSight sight(request);
  json::Writer out;
  out.begin_object().key("volumes").begin_array();
  for (store::volumes::Shown& row : page->rows) {
    if (!detail) {
      write_volume_summary(out, request, row.volume);
      continue;
    }
    const auto attachments = page->attachments.find(row.volume.id.text);
    const std::string id = row.volume.id.text;
    write_volume(out, request, sight,
                 {std::move(row.volume), std::move(row.type_name), std::move(row.service_uuid),
                  attachments == page->attachments.end() ? std::vector<Attachment>{} : std::move(attachments->second)},
                 VolumeForm::detail);
    row.volume.id.text = id;
  }
  out.end_array();
  if (page->count) out.field("count", *page->count);
  write_next_link(out, request, volume_list, *query, page->rows.size(), page->rows.empty() ? std::string_view{} : page->rows.back().volume.id.text);
  return request.reply(out.end_object().take());
}

Answer summary(Services& services, ApiRequest& request) {
  const std::string* everybody = request.query("all_tenants");
  const bool all = everybody != nullptr && read_flag(*everybody).value_or(true) && request.context.is_admin;
  const auto sums = services.database.read([&](db::Transaction& tx) { return store::volumes::summary(tx, all ? std::string{} : request.context.project_id); });
  json::Writer out;
  out.begin_object().key("volume-summary").begin_object().field("total_size", sums.gib).field("total_count", sums.count);
  if (request.since(36)) {
    std::map<std::string, std::set<std::string>> values;
    for (const std::string& text : sums.metadata)
      if (const auto map = json::parse(text); map && map->is_object())
        for (const auto& [key, value] : map->object())
          if (value.is_string()) values[key].insert(value.string());
    out.key("metadata").begin_object();
    for (const auto& [key, texts] : values) {
      out.key(key).begin_array();
      for (const std::string& text : texts) out.string(text);
      out.end_array();
    }
    out.end_object();
  }
  return request.reply(out.end_object().end_object().take());
}

}  // namespace

void mount_volumes(Handlers& handlers, Services& services) {
  const auto mount = [&](std::string_view name, Answer (*handler)(Services&, ApiRequest&)) {
    handlers.mount(name, [&services, handler](ApiRequest& request) { return handler(services, request); });
  };
  mount("volumes.create", create);
  mount("volumes.show", show);
  mount("volumes.update", update);
  mount("volumes.delete", remove);
  mount("volumes.summary", summary);
  handlers.mount("volumes.list", [&services](ApiRequest& request) { return list(services, request, false); });
  handlers.mount("volumes.detail", [&services](ApiRequest& request) { return list(services, request, true); });
  mount_volume_metadata(handlers, services);
  mount_volume_actions(handlers, services);
}

}  // namespace scoria::api
