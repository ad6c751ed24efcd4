#pragma once
#include <gtest/gtest.h>

#include "db/fresh.h"

/// For tests of every folder: the same body on every engine.
///
///   class Volumes : public db::testing::EveryEngine {};
///   SCORIA_EVERY_ENGINE(Volumes);
///   TEST_P(Volumes, over_quota_leaves_no_trace) { database().write(…); }
namespace scoria::db::testing {

inline std::string name_of(const ::testing::TestParamInfo<Kind>& info) {
  switch (info.param) {
    case Kind::sqlite_file: return "sqlite_file";
    case Kind::sqlite_memory: return "sqlite_memory";
    case Kind::postgres: return "postgres";
    case Kind::mariadb: return "mariadb";
  }
  return "unknown";
}

class EveryEngine : public ::testing::TestWithParam<Kind> {
 protected:
  void SetUp() override {
    if (const std::string reason = why_not(GetParam()); !reason.empty()) {
      if (required(GetParam())) FAIL() << reason;
      GTEST_SKIP() << reason;
    }
    fresh_ = make_fresh(GetParam(), clock_);
  }
  Database& database() { return fresh_->database(); }
  /// See Fresh::address().
  std::string address() const { return fresh_->address(); }
  Clock& clock() { return clock_; }

 private:
  SystemClock clock_;
  std::unique_ptr<Fresh> fresh_;
};

}  // namespace scoria::db::testing

#define SCORIA_EVERY_ENGINE(fixture)                                                                              \
  INSTANTIATE_TEST_SUITE_P(On, fixture,                                                                           \
                           ::testing::Values(::scoria::db::testing::Kind::sqlite_file,                            \
                                             ::scoria::db::testing::Kind::sqlite_memory,                          \
                                             ::scoria::db::testing::Kind::postgres,                               \
                                             ::scoria::db::testing::Kind::mariadb),                               \
                           ::scoria::db::testing::name_of)
