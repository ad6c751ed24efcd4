#include "store/findings/findings.h"

#include "store/testing.h"

namespace scoria::store::findings {
namespace {

using testing::joined;
using testing::Texts;

class Findings : public testing::Migrated {
 protected:
  /// "place kind subject"
  void add(const std::vector<std::string>& findings, const std::string& seen_at = "5") {
    database().write([&](db::Transaction& tx) {
      for (const std::string& one : findings) {
        const std::size_t first = one.find(' '), second = one.find(' ', first + 1);
        tx.run("INSERT INTO finding (place, kind, subject, text, found_at, seen_at) VALUES (?, ?, ?, 'x', 3, " + seen_at + ")",
               {one.substr(0, first), one.substr(first + 1, second - first - 1), one.substr(second + 1)});
      }
    });
  }
  std::string changed(const Work& work) { return changes("finding", "place || ' ' || kind || ' ' || subject", "text, found_at, seen_at", work); }
};
SCORIA_EVERY_ENGINE(Findings);

TEST_P(Findings, are_new_once) {
  const auto recorded = [](const char* text, bool expected) { return [=](db::Transaction& tx) { EXPECT_EQ(record(tx, "b", "k", "s", text), expected); }; };
  EXPECT_EQ(changed(recorded("x", true)), "b k s: new");
  EXPECT_EQ(rows("SELECT text, found_at, seen_at FROM finding"), Texts{"x|now|now"});
  add({"c k s", "b l s", "b k t"});
  run("UPDATE finding SET found_at = 3, seen_at = 5");
  EXPECT_EQ(changed(recorded("y", false)), "b k s: text=y seen_at=now");
}

TEST_P(Findings, are_forgotten_where_they_were_looked_for) {
  const auto afresh = [&] {
    run("DELETE FROM finding");
    add({"b k.1 m", "b k.2 n", "b k.1 l", "b k.1 o", "b other m", "c k.1 m"}), add({"b k.1 n"}, "6");
  };
  afresh();
  EXPECT_EQ(changed([](auto& tx) { forget(tx, "b", "k", "l", "n", {6}); }), "b k.1 m: gone; b k.2 n: gone") << "not those seen since";
  afresh();
  EXPECT_EQ(changed([](auto& tx) { forget(tx, "b", "k", "l", "m", {7}); }), "b k.1 m: gone");
  afresh();
  EXPECT_EQ(changed([](auto& tx) { forget(tx, "b", "k", "", "", {7}); }), "b k.1 l: gone; b k.1 m: gone; b k.1 n: gone; b k.1 o: gone; b k.2 n: gone");
  EXPECT_EQ(changed([](auto& tx) { forget(tx, "c", "l", "", "", {7}); }), "");
}

TEST_P(Findings, are_old_after_a_while) {
  add({"b k s", "c k s", "b l s", "b k t"});
  const auto is = [&](const char* place, std::string_view kind, const char* subject) {
    return read([&](auto& tx) { return older(tx, place, kind, subject, std::chrono::seconds{60}); });
  };
  EXPECT_TRUE(is("b", "k", "s"));
  run("UPDATE finding SET found_at = scoria_now() - 50000000 WHERE place = 'b' AND kind = 'k' AND subject = 's'");
  EXPECT_FALSE(is("b", "k", "s"));
  run("UPDATE finding SET found_at = scoria_now() - 60000000");
  EXPECT_TRUE(is("b", "k", "s"));
  EXPECT_FALSE(is("b", "l", "t"));
}

TEST_P(Findings, are_told_oldest_first_and_counted_by_kind) {
  add({"c k s", "b l s", "b k t", "b k s"});
  run("UPDATE finding SET found_at = 2 WHERE place = 'c'");
  const auto told = [&](std::size_t limit) {
    Texts out;
    for (const Finding& one : read([&](auto& tx) { return list(tx, limit); })) out.push_back(joined(one.place, one.kind, one.subject, one.text, one.found_at, one.seen_at));
    return out;
  };
  EXPECT_EQ(told(9), (Texts{"c|k|s|x|2|5", "b|k|s|x|3|5", "b|k|t|x|3|5", "b|l|s|x|3|5"}));
  EXPECT_EQ(told(2), (Texts{"c|k|s|x|2|5", "b|k|s|x|3|5"}));
  Texts kinds;
  for (const Count& one : read([](auto& tx) { return counts(tx); })) kinds.push_back(joined(one.kind, one.findings));
  EXPECT_EQ(kinds, (Texts{"k|3", "l|1"}));
}

}  // namespace
}  // namespace scoria::store::findings
