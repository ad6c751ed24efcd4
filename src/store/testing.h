#pragma once
#include <functional>
#include <map>

#include "db/engines/sqlite.h"
#include "db/migrate.h"
#include "db/testing.h"
#include "domain/ids.h"
#include "store/migrations.h"

namespace scoria::store::testing {

inline std::string text_of(const std::string& text) { return text; }
inline std::string text_of(std::string_view text) { return std::string(text); }
inline std::string text_of(bool flag) { return flag ? "yes" : "no"; }
inline std::string text_of(std::int64_t number) { return std::to_string(number); }
inline std::string text_of(int number) { return std::to_string(number); }
inline std::string text_of(Timestamp time) { return std::to_string(time.micros); }
template <class Tag>
std::string text_of(const Id<Tag>& id) {
  return id.text;
}

/// `a|yes|5`
template <class... Parts>
std::string joined(const Parts&... parts) {
  std::string out;
  ((out += text_of(parts) + "|"), ...);
  out.pop_back();
  return out;
}

using Texts = std::vector<std::string>;

/// A database with the schema, and what changes in it. The one in memory has a clock that stands still.
class Migrated : public ::testing::TestWithParam<db::testing::Kind> {
 protected:
  using Work = std::function<void(db::Transaction&)>;

  void SetUp() override {
    if (const std::string reason = db::testing::why_not(GetParam()); !reason.empty()) {
      if (db::testing::required(GetParam())) FAIL() << reason;
      GTEST_SKIP() << reason;
    }
    if (still()) memory_ = db::open_sqlite(clock_, {.path = ":memory:", .now = [] { return Timestamp{1'767'225'600'000'000}; }, .inline_execution = true});
    else fresh_ = db::testing::make_fresh(GetParam(), clock_);
    db::migrate(database(), migrations());
  }
  db::Database& database() { return memory_ ? *memory_ : fresh_->database(); }
  Clock& clock() { return clock_; }
  bool still() const { return GetParam() == db::testing::Kind::sqlite_memory; }
  /// scoria_now() itself where that stands still, else a while after it: SQL for the first moment that is not over yet.
  std::string not_over() const { return still() ? "scoria_now()" : "(scoria_now() + 60000000)"; }

  void run(std::string_view sql, db::Values values = {}) {
    database().write([&](db::Transaction& tx) { tx.run(sql, values); });
  }
  template <class Read>
  auto read(Read&& work) {
    return database().read([&](db::Transaction& tx) { return work(tx); });
  }
  /// The rows of a query; times near now as "now", "now+10s" …, NULL as "-".
  Texts rows(std::string_view sql, const db::Values& values = {}) {
    return database().read([&](db::Transaction& tx) {
      const std::int64_t now = tx.query("SELECT scoria_now()").at(0, 0).integer();
      const db::Rows found = tx.query(sql, values);
      Texts out;
      for (std::size_t row = 0; row < found.size(); ++row) {
        std::string line;
        for (std::size_t column = 0; column < found.columns(); ++column) line += (column == 0 ? "" : "|") + cell(found.at(row, column), now);
        out.push_back(line);
      }
      return out;
    });
  }
  /// What `work` changes in a table: "a: rev=6 status=error; b: gone; c: new", by `key` (SQL), of these columns (comma separated). The label of the
  /// guard that failed, if one did.
  std::string changes(const std::string& table, const std::string& key, const std::string& columns, const Work& work) {
    const auto before = by_key(table, key, columns);
    try {
      database().write(work);
    } catch (const db::GuardFailed& failed) {
      EXPECT_EQ(by_key(table, key, columns), before);
      return "refused: " + failed.label;
    }
    const auto after = by_key(table, key, columns);
    std::string out;
    const auto tell = [&](const std::string& text) { out += (out.empty() ? "" : "; ") + text; };
    for (const auto& [name, cells] : before) {
      const auto found = after.find(name);
      if (found == after.end()) tell(name + ": gone");
      else if (found->second != cells) tell(name + ":" + difference(cells, found->second, columns));
    }
    for (const auto& [name, cells] : after)
      if (!before.contains(name)) tell(name + ": new");
    return out;
  }

 private:
  static std::string cell(const db::Value& value, std::int64_t now) {
    if (value.null()) return "-";
    if (value.is_text()) return value.text();
    const std::int64_t number = value.integer(), apart = number - now;
    if (number < 1'000'000'000'000'000) return std::to_string(number);
    const std::int64_t seconds = (apart + (apart < 0 ? -5'000'000 : 5'000'000)) / 10'000'000 * 10;
    return seconds == 0 ? "now" : fmt::format("now{:+}s", seconds);
  }
  static Texts split(const std::string& text, std::string_view by) {
    Texts out;
    for (std::size_t from = 0, to = 0; to != std::string::npos; from = to + by.size()) {
      to = text.find(by, from);
      out.push_back(text.substr(from, to - from));
    }
    return out;
  }
  static std::string difference(const std::string& before, const std::string& after, const std::string& columns) {
    const Texts names = split(columns, ", "), was = split(before, "|"), is = split(after, "|");
    std::string out;
    for (std::size_t at = 0; at < names.size(); ++at)
      if (was.at(at) != is.at(at)) out += " " + names[at] + "=" + is[at];
    return out;
  }
  std::map<std::string, std::string> by_key(const std::string& table, const std::string& key, const std::string& columns) {
    std::map<std::string, std::string> out;
    for (const std::string& row : rows("SELECT " + key + ", " + columns + " FROM " + table)) {
      const std::size_t end = row.find('|');
      out.emplace(row.substr(0, end), row.substr(end + 1));
    }
    return out;
  }

  SystemClock clock_;
  std::unique_ptr<db::testing::Fresh> fresh_;
  std::unique_ptr<db::Database> memory_;
};

}  // namespace scoria::store::testing
