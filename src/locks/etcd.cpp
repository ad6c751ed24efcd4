#include <fmt/core.h>

#include <array>
#include <charconv>
#include <stdexcept>

#include "json/parse.h"
#include "json/writer.h"
#include "locks/leases.h"
#include "net/http_client.h"

namespace scoria::locks {
namespace {

constexpr Duration longest_answer = std::chrono::seconds{2};

/// Keys and values travel in base 64.
std::string base64(std::string_view bytes) {
  static constexpr std::string_view letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (std::size_t at = 0; at < bytes.size(); at += 3) {
    std::uint32_t three = 0;
    for (std::size_t i = 0; i < 3; ++i) three = three << 8U | (at + i < bytes.size() ? static_cast<unsigned char>(bytes[at + i]) : 0U);
    for (std::size_t i = 0; i < 4; ++i) out += at + i <= bytes.size() ? letters[three >> (18 - 6 * i) & 63U] : '=';
  }
  return out;
}

/// The gateway writes numbers of 64 bits as texts.
std::int64_t number_of(const json::Value& object, std::string_view key) {
  const std::string text = object.text_or(key);
  std::int64_t out = 0;
  std::from_chars(text.data(), text.data() + text.size(), out);
  return out;
}

class EtcdLocks final : public LeasedLocks {
 public:
  EtcdLocks(Clock& clock, Random& random, std::vector<std::string> endpoints, const std::string& ca_file, LeaseOptions options)
      : LeasedLocks(clock, random, std::move(options)),
        endpoints_(std::move(endpoints)),
        http_(net::make_http_client(clock, {.connect_timeout = std::chrono::seconds{1}, .max_response_bytes = std::size_t{1} << 20U, .ca_file = ca_file})) {}

 private:
  std::string key_of(const std::string& name) const { return base64(fmt::format("/scoria/{}/locks/{}", options().scope, name)); }

  json::Value ask(const std::string& path, const std::string& body) {
    std::string why = "no endpoint";
    for (const std::string& endpoint : endpoints_) {
      const auto answer = http_->send({.method = "POST", .url = endpoint + path, .headers = {{"Content-Type", "application/json"}}, .body = body},
                                      Deadline::in(clock_, longest_answer));
      if (!answer) {
        why = fmt::format("{}: {}", endpoint, answer.error().message);
        continue;  // one that does not answer may have done it: what is asked here may be asked twice
      }
      auto value = json::parse(answer->body);
      // A lease that is gone is an answer, not a failure.
      if (value && (answer->status == 200 || value->integer_or("code") == not_found)) return std::move(*value);
      why = fmt::format("{}: status {}: {}", endpoint, answer->status, answer->body.substr(0, 200));
    }
    throw std::runtime_error("etcd: " + why);
  }

  /// Whether none of the keys is there; with a lease: and then makes them all, in one step.
  json::Value transaction(const Lease& lease) {
    json::Writer out;
    out.begin_object().key("compare").begin_array();
    for (const std::string& name : lease.names)
      out.begin_object().field("target", "CREATE").field("result", "EQUAL").field("key", key_of(name)).field("createRevision", "0").end_object();
    out.end_array().key("success").begin_array();
    for (const std::string& name : lease.names) {
      if (lease.id.empty()) break;
      out.begin_object().key("requestPut").begin_object().field("key", key_of(name)).field("value", base64(lease.holder)).field("lease", lease.id).end_object();
      out.end_object();
    }
    return ask("/v3/kv/txn", out.end_array().end_object().take());
  }

  bool take(Lease& lease) override {
    if (!transaction(lease).flag_or("succeeded")) return false;
    const json::Value granted = ask("/v3/lease/grant", fmt::format(R"({{"TTL":"{}"}})", seconds()));
    lease.id = granted.text_or("ID");
    if (lease.id.empty()) throw std::runtime_error("etcd granted no lease: " + granted.text_or("error"));
    const json::Value done = transaction(lease);
    if (!done.flag_or("succeeded")) return release(lease), false;
    lease.token = number_of(done["header"], "revision");
    return true;
  }

  bool renew(const Lease& lease) override {
    const json::Value answer = ask("/v3/lease/keepalive", fmt::format(R"({{"ID":"{}"}})", lease.id));
    return number_of(answer["result"], "TTL") > 0;
  }

  /// The keys go with their lease.
  void release(const Lease& lease) override {
    if (!lease.id.empty()) ask("/v3/lease/revoke", fmt::format(R"({{"ID":"{}"}})", lease.id));
  }

  std::int64_t seconds() const { return std::max<std::int64_t>(1, options().lease.count() / 1'000'000); }

  static constexpr std::int64_t not_found = 5;  // of gRPC
  const std::vector<std::string> endpoints_;
  const std::unique_ptr<net::HttpClient> http_;
};

}  // namespace

std::unique_ptr<Locks> make_etcd_locks(Clock& clock, Random& random, std::vector<std::string> endpoints, const std::string& ca_file, LeaseOptions options) {
  return std::make_unique<EtcdLocks>(clock, random, std::move(endpoints), ca_file, std::move(options));
}

}  // namespace scoria::locks
