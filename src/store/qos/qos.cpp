#include "store/qos/qos.h"

#include "base/check.h"
#include "json/parse.h"
#include "store/types/types.h"

namespace scoria::store::qos {
namespace {

using enum ListColumn::Type;

constexpr ListColumn list_columns[] = {
    {"id", "qos_specs.id", text, false},
    {"name", "qos_specs.name", text, false},
    {"consumer", "qos_specs.consumer", text, false},
    {"created_at", "qos_specs.created_at", time, false},
    {"updated_at", "qos_specs.updated_at", time, true},
};

std::string json_of(const Specs& specs) { return types::extra_specs_json(specs); }

}  // namespace

const std::string_view columns = "qos_specs.id, qos_specs.name, qos_specs.consumer, qos_specs.specs, qos_specs.rev, qos_specs.created_at, qos_specs.updated_at";

const ListTable list_table = {.noun = "QoS specs", .select = columns, .from = "qos_specs", .where = "", .id = "qos_specs.id", .project = "", .columns = list_columns};

QosSpecs read(const db::Rows& rows, std::size_t row, std::size_t column) {
  const auto at = [&](std::size_t which) { return rows.at(row, column + which); };
  QosSpecs out;
  out.id = at(0).text(), out.name = at(1).text(), out.consumer = at(2).text();
  const auto specs = json::parse(at(3).text());
  SCORIA_CHECK(specs && specs->is_object(), "stored QoS specs are no JSON object");
  for (const auto& [key, value] : specs->object()) out.specs.emplace(key, value.is_string() ? value.string() : std::string{});
  out.rev = at(4).integer(), out.created_at = at(5).time(), out.updated_at = at(6).time();
  return out;
}

std::optional<QosSpecs> find(db::Transaction& tx, std::string_view id) {
  static const std::string sql = "SELECT " + std::string(columns) + " FROM qos_specs WHERE id = ?";
  const db::Rows rows = tx.query(sql, {id});
  if (rows.empty()) return std::nullopt;
  return read(rows, 0);
}

std::optional<QosSpecs> of_type(db::Transaction& tx, std::string_view type_id) {
  static const std::string sql = "SELECT " + std::string(columns) + " FROM volume_type JOIN qos_specs ON qos_specs.id = volume_type.qos_specs_id WHERE volume_type.id = ?";
  const db::Rows rows = tx.query(sql, {type_id});
  if (rows.empty()) return std::nullopt;
  return read(rows, 0);
}

std::vector<VolumeType> types_of(db::Transaction& tx, std::string_view id) {
  static const std::string sql = "SELECT " + std::string(types::columns) + " FROM volume_type WHERE qos_specs_id = ? ORDER BY name";
  const db::Rows rows = tx.query(sql, {id});
  std::vector<VolumeType> out;
  for (std::size_t i = 0; i < rows.size(); ++i) out.push_back(types::read(rows, i));
  return out;
}

void insert(db::Transaction& tx, const QosSpecs& specs) {
  tx.run("INSERT INTO qos_specs (id, name, consumer, specs, created_at) VALUES (?, ?, ?, ?, scoria_now())", {specs.id, specs.name, specs.consumer, json_of(specs.specs)});
}

void change(db::Transaction& tx, const QosSpecs& seen, const std::string& consumer, const Specs& specs) {
  tx.guard("qos.seen", "UPDATE qos_specs SET consumer = ?, specs = ?, rev = rev + 1, updated_at = scoria_now() WHERE id = ? AND rev = ?",
           {consumer, json_of(specs), seen.id, seen.rev});
}

void touch(db::Transaction& tx, std::string_view id) { tx.guard("qos.seen", "UPDATE qos_specs SET rev = rev + 1 WHERE id = ?", {id}); }

void remove(db::Transaction& tx, std::string_view id) { tx.guard("qos.seen", "DELETE FROM qos_specs WHERE id = ?", {id}); }

void associate(db::Transaction& tx, std::string_view type_id, std::string_view id, std::string_view had) {
  tx.guard("qos.type", "UPDATE volume_type SET qos_specs_id = ?, rev = rev + 1, updated_at = scoria_now() WHERE id = ? AND coalesce(qos_specs_id, '') = ?",
           {db::or_null(id), type_id, had});
}

void disassociate_all(db::Transaction& tx, std::string_view id) {
  tx.run("UPDATE volume_type SET qos_specs_id = NULL, rev = rev + 1, updated_at = scoria_now() WHERE qos_specs_id = ?", {id});
}

std::int64_t changes(db::Transaction& tx) { return tx.query("SELECT changes FROM qos_change WHERE id = 'all'").at(0, 0).integer(); }

void count_change(db::Transaction& tx) { tx.run("UPDATE qos_change SET changes = changes + 1 WHERE id = 'all'"); }

}  // namespace scoria::store::qos
