#include <fmt/core.h>

#include <map>
#include <optional>

#include "api/volumes/handlers.h"
#include "api/volumes/pages.h"
#include "api/volumes/view.h"
#include "store/volumes/shown.h"

namespace scoria::api {
namespace {

using store::volumes::Page;

constexpr std::size_t usual_detail = 1400, usual_name = 400;  // bytes of a volume in a list

http::Response finish(const ApiRequest& request, json::Writer& out, const ListQuery& query, std::optional<std::int64_t> count, std::size_t volumes, std::string_view last) {
  out.end_array();
  if (count) out.field("count", *count);
  write_next_link(out, request, volume_list, query, volumes, last);
  return request.reply(out.end_object().take());
}

Answer list(Services& services, ApiRequest& request) {
  const auto query = read_list(request, volume_list, services.lists);
  if (!query) return refuse(query.error());
  const auto page = services.database.read([&](db::Transaction& tx) { return store::run_list(tx, store::volumes::list_table, *query); });
  if (!page) return refuse(page.error());
  const db::Rows& rows = page->rows;
  json::Writer out;
  out.reserve(rows.size() * usual_name);
  out.begin_object().key("volumes").begin_array();
  for (std::size_t row = 0; row < rows.size(); ++row) {
    out.begin_object().field("id", rows.at(row, 0).view()).key("name").string_or_null(rows.at(row, 1).view());
    request.links.write(out, "volumes", rows.at(row, 0).view());
    out.end_object();
  }
  return finish(request, out, *query, page->count, rows.size(), rows.empty() ? std::string_view{} : rows.at(rows.size() - 1, 0).view());
}

/// All that decides which volumes an answer has and how it is written, but the volumes.
std::string key_of(const Services& services, const ApiRequest& request, const VolumeSight& sight) {
  return fmt::format("{}\n{}\n{}\n{}\n{}{}{}{}{}{}\n{}", request.http->target, request.links.base, request.context.project_id, request.version.minor, request.context.is_admin,
                     sight.admin, sight.host_attribute, sight.tenant_attribute, sight.migration_attribute, sight.image_metadata, services.names.forgotten());
}

/// A page as it was written a moment ago. A volume stands where it stood, mostly.
class Before {
 public:
  explicit Before(std::shared_ptr<const WrittenPages::Page> page) : page_(std::move(page)) {}

  /// That revision of that volume; nullptr: it is new.
  std::shared_ptr<const WrittenPages::Volume> find(std::size_t position, std::string_view id, std::int64_t rev) {
    const auto& volume = position < page_->size() && (*page_)[position]->id == id ? (*page_)[position] : elsewhere(id);
    return volume != nullptr && volume->rev == rev ? volume : nullptr;
  }

 private:
  const std::shared_ptr<const WrittenPages::Volume>& elsewhere(std::string_view id) {
    if (by_id_.empty())
      for (const auto& volume : *page_) by_id_.emplace(volume->id, &volume);
    static const std::shared_ptr<const WrittenPages::Volume> nothing;
    const auto place = by_id_.find(id);
    return place == by_id_.end() ? nothing : *place->second;
  }

  const std::shared_ptr<const WrittenPages::Page> page_;
  std::map<std::string_view, const std::shared_ptr<const WrittenPages::Volume>*> by_id_;
};

std::shared_ptr<const WrittenPages::Volume> written(const ApiRequest& request, const VolumeSight& sight, const store::volumes::Shown& volume, std::int64_t rev) {
  constexpr std::string_view nothing = R"("attachments":[])";
  json::Writer out;
  out.reserve(usual_detail);
  write_volume(out, request, sight, volume, VolumeForm::detail);
  auto made = std::make_shared<WrittenPages::Volume>(WrittenPages::Volume{std::string(volume.id), rev, out.take(), 0});
  made->json.shrink_to_fit();
  // The first is ours: in a text before it a quote would be escaped.
  made->attachments = made->json.find(nothing) + nothing.size() - 1;
  return made;
}

void write(json::Writer& out, const VolumeSight& sight, const WrittenPages::Volume& volume, std::span<const store::volumes::ShownAttachment> attachments) {
  if (attachments.empty()) {
    out.raw(volume.json);
    return;
  }
  json::Writer attached;
  write_attachments(attached, sight, volume.id, attachments);
  const std::string_view json = volume.json, list = attached.text();
  out.raw(fmt::format("{}{}{}", json.substr(0, volume.attachments), list.substr(1, list.size() - 2), json.substr(volume.attachments)));
}

Answer list_in_detail(Services& services, ApiRequest& request) {
  const auto query = read_list(request, volume_list, services.lists);
  if (!query) return refuse(query.error());
  const VolumeSight sight(request);
  const std::string key = key_of(services, request, sight);
  const WrittenPages::Found found = services.pages.find(key);
  Before before(found.page);
  store::volumes::Has has;
  if (found.page != nullptr) has = [&before](std::size_t position, std::string_view id, std::int64_t rev) { return before.find(position, id, rev) != nullptr; };
  auto page = services.database.read([&](db::Transaction& tx) { return store::volumes::read_page(tx, *query, has); });
  if (!page) return refuse(page.error());
  const auto names = services.names.fill_in(services.database, page->read);
  WrittenPages::Page now;
  json::Writer out;
  out.reserve(page->volumes.size() * usual_detail);
  out.begin_object().key("volumes").begin_array();
  for (std::size_t position = 0; position < page->volumes.size(); ++position) {
    Page::Volume& volume = page->volumes[position];
    if (found.again) {
      now.push_back(volume.read ? written(request, sight, page->read[*volume.read], volume.rev) : before.find(position, volume.id, volume.rev));
      write(out, sight, *now.back(), volume.attachments);
    } else {
      store::volumes::Shown& read = page->read[volume.read.value()];
      read.attachments = std::move(volume.attachments);
      write_volume(out, request, sight, read, VolumeForm::detail);
    }
  }
  if (found.again && !page->read.empty()) services.pages.keep(key, std::move(now));
  return finish(request, out, *query, page->count, page->volumes.size(), page->volumes.empty() ? std::string_view{} : page->volumes.back().id);
}

}  // namespace

void mount_volume_lists(Handlers& handlers, Services& services) {
  handlers.mount("volumes.list", [&services](ApiRequest& request) { return list(services, request); });
  handlers.mount("volumes.detail", [&services](ApiRequest& request) { return list_in_detail(services, request); });
}

}  // namespace scoria::api
