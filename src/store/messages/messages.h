#pragma once
#include <optional>
#include <string>

#include "domain/messages/message.h"
#include "store/list_sql.h"

namespace scoria::store::messages {

/// Rows are Messages: read().
extern const ListTable list_table;
Message read(const db::Rows& rows, std::size_t row);

/// Leaves a message for message_lifetime from now. Its id is chosen by the caller and stable: told twice, it is there once.
void add(db::Transaction& tx, const Message& message);
std::optional<Message> find(db::Transaction& tx, std::string_view id);
std::int64_t remove(db::Transaction& tx, std::string_view id);

}  // namespace scoria::store::messages
