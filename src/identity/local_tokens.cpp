#include "identity/local_tokens.h"

#include <algorithm>

#include "base/text.h"
#include "identity/digest.h"

namespace scoria::local {
namespace {

/// The roles given, and those that come with them.
std::vector<Role> roles_of(db::Transaction& tx, std::string_view user_id, std::string_view project_id) {
  std::vector<Role> out;
  const auto read = [&](const db::Rows& rows) {
    for (std::size_t row = 0; row < rows.size(); ++row) out.push_back({rows.at(row, 0).text(), rows.at(row, 1).text(), {}});
  };
  const auto has = [&](std::string_view name) { return std::any_of(out.begin(), out.end(), [&](const Role& role) { return role.name == name; }); };
  read(tx.query("SELECT r.id, r.name FROM identity_assignment a JOIN identity_role r ON r.id = a.role_id WHERE a.user_id = ? AND a.project_id = ? "
                "ORDER BY r.name",
                {user_id, project_id}));
  for (const auto& [given, implied] : {std::pair{"admin", "member"}, std::pair{"member", "reader"}})
    if (has(given) && !has(implied)) read(tx.query("SELECT id, name FROM identity_role WHERE name = ?", {implied}));
  return out;
}

/// Nothing unless user, project and at least one role are good now, and the token was until `grace` ago.
std::optional<TokenRecord> read_record(db::Transaction& tx, std::string_view hash, Duration grace) {
  const db::Rows rows = tx.query("SELECT user_id, project_id, audit_id, issued_at, expires_at, scoria_now() FROM identity_token WHERE hash = ?", {hash});
  if (rows.empty()) return std::nullopt;
  TokenRecord out;
  out.audit_id = rows.at(0, 2).text();
  out.issued_at = rows.at(0, 3).time(), out.expires_at = rows.at(0, 4).time(), out.now = rows.at(0, 5).time();
  if (out.expires_at + grace <= out.now) return std::nullopt;
  const auto user = find_user(tx, rows.at(0, 0).text());
  if (!user || !user->enabled) return std::nullopt;
  out.user = *user;
  if (rows.at(0, 1).null()) return out;
  out.project = find_project(tx, rows.at(0, 1).text());
  if (!out.project || !out.project->enabled) return std::nullopt;
  out.roles = roles_of(tx, out.user.id, out.project->id);
  if (out.roles.empty()) return std::nullopt;
  return out;
}

void remove_old(db::Transaction& tx, Duration grace) {
  tx.run("DELETE FROM identity_token WHERE hash IN (SELECT hash FROM identity_token WHERE expires_at < scoria_now() - ? ORDER BY expires_at LIMIT 1000)",
         {grace.count()});
}

Token token_of(const TokenRecord& record) {
  Token out;
  out.user_id = record.user.id, out.user_name = record.user.name, out.user_domain_id = domain_id;
  if (record.project) out.project_id = record.project->id, out.project_name = record.project->name, out.project_domain_id = domain_id;
  for (const Role& role : record.roles) out.roles.push_back(lower_case(role.name));
  out.expires_at = record.expires_at;
  return out;
}

}  // namespace

bool TokenRecord::has_role(std::string_view name) const {
  return std::any_of(roles.begin(), roles.end(), [&](const Role& role) { return lower_case(role.name) == name; });
}

Tokens::Tokens(db::Database& database, Clock& clock, Random& random, TokenOptions options)
    : database_(database), clock_(clock), random_(random), options_(options), cache_(clock, options.cached_tokens), next_purge_(clock.now()) {}

Result<Tokens::Issued> Tokens::issue(std::string_view user_id, std::string_view project_id, std::optional<Timestamp> until) {
  const std::string text = random_.secret(43);  // 256 bits
  const std::string hash = sha256_hex(text);
  const std::string audit_id = random_.secret(22);
  const bool purge = purge_is_due();
  const std::int64_t most = until ? until->micros : std::numeric_limits<std::int64_t>::max();
  return database_.transact(
      [&](db::Transaction& tx) -> Result<Issued> {
        if (purge) remove_old(tx, options_.grace);
        tx.run("INSERT INTO identity_token (hash, user_id, project_id, audit_id, issued_at, expires_at) VALUES (?, ?, ?, ?, scoria_now(), "
               "{least}(scoria_now() + ?, ?))",
               {hash, user_id, db::or_null(project_id), audit_id, options_.lifetime.count(), most});
        std::optional<TokenRecord> record = read_record(tx, hash, Duration::zero());
        if (!record) return unauthorized();
        return Issued{text, std::move(*record)};
      },
      [](std::string_view) { return Refusal{}; });
}

Result<TokenRecord> Tokens::find(std::string_view token, bool allow_expired) {
  if (!is_token_text(token)) return unauthorized();
  const std::string hash = sha256_hex(token);
  const Duration grace = allow_expired ? options_.grace : Duration::zero();
  std::optional<TokenRecord> record = database_.read([&](db::Transaction& tx) { return read_record(tx, hash, grace); });
  if (!record) return unauthorized();
  return std::move(*record);
}

Result<std::shared_ptr<const Token>> Tokens::check(std::string_view token, bool allow_expired) {
  if (!is_token_text(token)) return unauthorized();
  const std::string key = sha256_hex(token) + (allow_expired ? "x" : "");
  if (auto known = cache_.find(key)) return *known;
  const std::uint64_t as_of = cache_.generation();
  const Result<TokenRecord> record = find(token, allow_expired);
  if (!record) {
    cache_.keep(key, refuse(record.error()), options_.cache_time, as_of);
    return refuse(record.error());
  }
  const auto good = std::make_shared<const Token>(token_of(*record));
  const Duration left = record->expires_at - record->now;
  cache_.keep(key, good, allow_expired ? options_.cache_time : std::min(options_.cache_time, left), as_of);
  return good;
}

void Tokens::revoke(std::string_view token) {
  const std::string hash = sha256_hex(token);
  database_.write([&](db::Transaction& tx) { tx.run("DELETE FROM identity_token WHERE hash = ?", {hash}); });
  cache_.forget(hash);
  cache_.forget(hash + "x");
}

bool Tokens::purge_is_due() {
  const std::lock_guard lock(mutex_);
  if (clock_.now() < next_purge_) return false;
  next_purge_ = clock_.now() + std::chrono::minutes{5};
  return true;
}

void revoke_all(db::Transaction& tx, std::string_view user_id) { tx.run("DELETE FROM identity_token WHERE user_id = ?", {user_id}); }

Result<> LocalAuthenticator::authenticate(const Credentials& credentials, Context& context) {
  bool allow_expired = false;
  if (!credentials.service_token.empty()) {
    const auto service = tokens_.check(credentials.service_token);
    if (!service) return refuse(service.error());
    context.service_roles = (*service)->roles;
    allow_expired = context.has_service_role("service");
  }
  const auto user = tokens_.check(credentials.token, allow_expired);
  if (!user) return refuse(user.error());
  (*user)->describe(context);
  return {};
}

}  // namespace scoria::local
