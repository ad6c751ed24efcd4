#include "domain/messages/message.h"

#include <fmt/core.h>

namespace scoria {
namespace {

struct Words {
  std::string_view id, text;
};

constexpr Words actions[] = {{"001", "finding a place for the volume"},
                             {"002", "attaching the volume"},
                             {"003", "copying the volume to an image"},
                             {"004", "updating the attachment"},
                             {"005", "copying the image to the volume"},
                             {"006", "unmanaging the volume"},
                             {"007", "extending the volume"},
                             {"008", "creating the volume on its backend"},
                             {"009", "creating the snapshot"},
                             {"010", "deleting the snapshot"},
                             {"011", "updating the snapshot"},
                             {"012", "updating the snapshot's metadata"},
                             {"013", "creating the backup"},
                             {"014", "deleting the backup"},
                             {"015", "restoring the backup"},
                             {"016", "writing a new image to the volume"}};

constexpr Words details[] = {{"001", "an unknown error occurred"},
                             {"002", "the backend's driver is not ready"},
                             {"003", "no backend can take it"},
                             {"010", "the backend failed to extend it"},
                             {"012", "the backend failed to create it"},
                             {"013", "the backend failed to take the snapshot"},
                             {"015", "the snapshot is busy"},
                             {"016", "the backend failed to delete the snapshot"},
                             {"021", "the backend failed to attach it"},
                             {"022", "the backend failed to detach it"}};

constexpr Words codes[] = {{"003", "no_backend"},      {"010", "driver_failed_extend"}, {"012", "driver_failed_create"},
                           {"013", "snapshot_create"}, {"016", "snapshot_delete"},      {"021", "attach"},
                           {"022", "detach"}};

template <std::size_t N>
std::string_view text_of(const Words (&table)[N], std::string_view id, std::string_view otherwise) {
  for (const Words& row : table)
    if (row.id == id) return row.text;
  return otherwise;
}

}  // namespace

std::string Message::event_id() const { return fmt::format("VOLUME_{}_{}_{}", resource_type, action_id, detail_id); }

std::string Message::user_message() const {
  return fmt::format("{}:{}", text_of(actions, action_id, "working"), text.empty() ? text_of(details, detail_id, details[0].text) : std::string_view{text});
}

std::string action_id(MessageAction action) { return fmt::format("{:03}", static_cast<int>(action)); }

std::string_view detail_of(std::string_view error_code) {
  for (const Words& row : codes)
    if (row.text == error_code) return row.id;
  return details[0].id;
}

}  // namespace scoria
