#pragma once
#include <gtest/gtest.h>

#include "api/pipeline.h"
#include "api/services.h"
#include "commands/services.h"
#include "db/fresh.h"
#include "db/migrate.h"
#include "json/parse.h"
#include "observe/log.h"
#include "store/migrations.h"

/// Handlers behind the real pipeline, on a real database in memory.
namespace scoria::api::testing {

inline constexpr const char* project = "aaaa1111";

/// Tokens are "<role>" or "<role>@<project>".
class RoleAuthenticator final : public Authenticator {
 public:
  Result<> authenticate(const Credentials& credentials, Context& context) override {
    const std::size_t at = credentials.token.find('@');
    const std::string_view role = credentials.token.substr(0, at);
    context.user_id = "u1";
    context.project_id = at == std::string_view::npos ? project : std::string(credentials.token.substr(at + 1));
    for (const std::string_view name : {"reader", "member", "admin"}) {
      context.roles.emplace_back(name);
      if (name == role) break;
    }
    return {};
  }
};

class Kept final : public http::Responder {
 public:
  void send(http::Response response) override { last = std::move(response); }
  bool gone() const override { return false; }
  http::Response last;
};

struct Reply {
  int status = 0;
  json::Value body;
  /// The message of a fault.
  std::string message() const { return body.is_object() && !body.object().empty() ? body.object().front().second.text_or("message") : std::string{}; }
};

class Api : public ::testing::Test {
 protected:
  Api() {
    log::set_level("http", log::Level::warning);
    db::migrate(database(), store::migrations());
    write("INSERT INTO volume_type (id, name, description, is_public, extra_specs, created_at) VALUES ('t0', '__DEFAULT__', 'Default Volume Type', 1, '{}', 1)");
  }

  /// `version` is the N of 3.N.
  Reply ask(const std::string& token, const std::string& method, const std::string& target, const std::string& body = {}, int version = 71) {
    if (!pipeline_) {
      pipeline_ = std::make_unique<Pipeline>(PipelineParts{clock_, random_, authenticator_, [this] { return policy_; }, nullptr}, PipelineOptions{},
                                             std::move(handlers_));
    }
    http::Request request;
    request.method = method, request.target = target, request.body = body;
    const std::size_t mark = target.find('?');
    request.path = target.substr(0, mark);
    for (std::size_t at = mark; at != std::string::npos && at < target.size();) {
      const std::size_t end = target.find('&', at + 1);
      const std::string pair = target.substr(at + 1, end == std::string::npos ? end : end - at - 1);
      request.query.emplace_back(pair.substr(0, pair.find('=')), pair.substr(pair.find('=') + 1));
      at = end;
    }
    request.headers.add("Host", "api:8776");
    request.headers.add("X-Auth-Token", token);
    request.headers.add("OpenStack-API-Version", fmt::format("volume 3.{}", version));
    if (!body.empty()) request.headers.add("Content-Type", "application/json");
    for (const auto& [name, value] : also_) request.headers.add(name, value);
    const auto kept = std::make_shared<Kept>();
    (*pipeline_)(request, kept);
    const auto parsed = json::parse(kept->last.body);
    return {kept->last.status, parsed ? *parsed : json::Value()};
  }

  db::Database& database() { return fresh_->database(); }
  void write(const std::string& sql, db::Values values = {}) {
    database().write([&](db::Transaction& tx) { tx.run(sql, values); });
  }
  std::int64_t number(const std::string& sql) {
    return database().read([&](db::Transaction& tx) { return tx.query(sql).at(0, 0).integer(); });
  }
  void volume(const std::string& id, const std::string& type, const std::string& owner = project) {
    write("INSERT INTO volume (id, project_id, user_id, size_gib, status, attach_status, volume_type_id, availability_zone, metadata, image_metadata, created_at) "
          "VALUES (?, ?, 'u1', 1, 'available', 'detached', ?, 'nova', '{}', '{}', 1)",
          {id, owner, type});
  }

  std::vector<std::pair<std::string, std::string>> also_;  // headers of the next requests
  SystemClock clock_;
  SeededRandom random_{11};
  std::unique_ptr<db::testing::Fresh> fresh_ = db::testing::make_fresh(db::testing::Kind::sqlite_memory, clock_);
  RoleAuthenticator authenticator_;
  std::shared_ptr<const Policy> policy_ = Policy::load().value();
  engine::Kinds kinds_;
  commands::Services commands_{fresh_->database(), random_, kinds_, {}, [](const std::string&) {}};
  store::volumes::Names names_{clock_};
  WrittenPages pages_{clock_, std::chrono::hours{1}};
  Services services_{commands_, fresh_->database(), names_, pages_, {}};
  Handlers handlers_;
  std::unique_ptr<Pipeline> pipeline_;
};

}  // namespace scoria::api::testing
