#include "store/attachments/list.h"

namespace scoria::store::attachments {
namespace {

using enum ListColumn::Type;

constexpr ListColumn list_columns[] = {
    {"id", "attachment.id", text, false},
    {"volume_id", "attachment.volume_id", text, false},
    {"status", "attachment.attach_status", text, false},
    {"attach_status", "attachment.attach_status", text, false},
    {"instance_id", "attachment.instance_id", text, true},
    {"attached_host", "attachment.attached_host", text, true},
    {"created_at", "attachment.created_at", time, false},
    {"updated_at", "attachment.updated_at", time, true},
    {"project_id", "attachment.project_id", text, false},
};

}  // namespace

const ListTable list_table = {"Attachment", columns, "attachment", "attachment.hidden = 0", "attachment.id", "attachment.project_id", list_columns};

}  // namespace scoria::store::attachments
