#include "config/lock_url.h"

#include <fmt/core.h>

#include <charconv>

#include "base/text.h"

namespace scoria::config {
namespace {

using Provider = LockUrl::Provider;
using Problem = tl::unexpected<std::string>;

struct Scheme {
  std::string_view name;
  Provider provider;
};
constexpr Scheme served[] = {{"process", Provider::process}, {"file", Provider::file}, {"db", Provider::database},
                             {"etcd3", Provider::etcd}, {"etcd3+http", Provider::etcd}, {"etcd3+https", Provider::etcd}};

/// What other coordination services are known, and why they are not here.
struct Unserved {
  std::string_view scheme, why;
};
constexpr std::string_view no_token = "its locks carry no token that storage could check, and a replica that takes over may not know them";
constexpr std::string_view own_database = "the locks of Scoria's own database need no second connection";
constexpr std::string_view not_needed = "this version speaks to etcd only, and the database can do it without a further service";
constexpr Unserved unserved[] = {{"redis", no_token}, {"rediss", no_token}, {"redis+sentinel", no_token}, {"memcached", no_token}, {"memcache", no_token},
                                 {"mysql", own_database}, {"mysql+pymysql", own_database}, {"postgresql", own_database}, {"postgres", own_database},
                                 {"zookeeper", not_needed}, {"kazoo", not_needed}, {"zake", not_needed}, {"consul", not_needed}, {"kubernetes", not_needed},
                                 {"etcd", "version 2 of its protocol is not spoken"}, {"ipc", "locks of the kernel's message queues are not used"}};

constexpr std::string_view instead = "write db:// (leases in the database), etcd3+http://HOST:2379, or file://PATH for one machine";

Problem unknown_scheme(std::string_view scheme) {
  for (const Unserved& one : unserved)
    if (one.scheme == scheme) return Problem(fmt::format("is not served: {}; {}", one.why, instead));
  return Problem(fmt::format("begins with no scheme of a lock service; {}", instead));
}

std::string problem_of_seconds(std::string_view text, Duration& into) {
  int seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (error != std::errc{} || end != text.data() + text.size() || seconds < 2 || seconds > 600) return "lock_timeout is a number of seconds from 2 to 600";
  into = std::chrono::seconds{seconds};
  return {};
}

/// One `name=value` of the query; empty when it is well.
std::string read_parameter(std::string_view text, LockUrl& out) {
  const auto equals = text.find('=');
  const std::string_view name = text.substr(0, equals), value = equals == std::string_view::npos ? "" : text.substr(equals + 1);
  if (name == "lock_timeout") return problem_of_seconds(value, out.lease);
  if (out.provider != Provider::etcd) return fmt::format("has the parameter '{}', which means nothing here", name);
  if (name == "ca_cert") return out.ca_file = value, std::string{};
  if (name == "api_version") return value == "v3" ? "" : "asks for another version than v3";
  if (name == "cert_key" || name == "cert_cert") return "asks for a client certificate, which this version has none of; let etcd ask for none on the hosts' own network";
  return fmt::format("has the parameter '{}', which means nothing here (there are lock_timeout, ca_cert, api_version)", name);
}

tl::expected<LockUrl, std::string> with_endpoints(LockUrl out, std::string_view scheme, std::string_view hosts) {
  const std::string_view transport = scheme == "etcd3+https" ? "https" : "http";
  if (hosts.find('@') != std::string_view::npos) return Problem("has a user name, which etcd is not told here; let it ask for none");
  for (const std::string_view host : split(hosts, ',')) {
    if (host.empty()) return Problem("names no host: write etcd3+http://HOST:2379");
    const std::string_view after_address = host.substr(host.find(']') == std::string_view::npos ? 0 : host.find(']'));  // of IPv6 in brackets
    const bool has_port = after_address.find(':') != std::string_view::npos;
    out.endpoints.push_back(fmt::format("{}://{}{}", transport, host, has_port ? "" : ":2379"));
  }
  return out;
}

}  // namespace

tl::expected<LockUrl, std::string> parse_lock_url(std::string_view text) {
  const auto colon = text.find("://");
  const std::string scheme = lower_case(text.substr(0, colon));
  const auto* found = std::find_if(std::begin(served), std::end(served), [&](const Scheme& one) { return colon != std::string_view::npos && one.name == scheme; });
  if (found == std::end(served)) return unknown_scheme(scheme);
  LockUrl out;
  out.provider = found->provider;
  std::string_view rest = text.substr(colon + 3);
  const auto question = rest.find('?');
  if (question != std::string_view::npos) {
    for (const std::string_view parameter : split(rest.substr(question + 1), '&'))
      if (std::string problem = read_parameter(parameter, out); !problem.empty()) return Problem(std::move(problem));
    rest = rest.substr(0, question);
  }
  if (out.provider == Provider::etcd) {
    const auto end = rest.find_last_not_of('/');
    return with_endpoints(std::move(out), scheme, rest.substr(0, end == std::string_view::npos ? 0 : end + 1));
  }
  if (out.provider == Provider::file) {
    if (!rest.starts_with('/')) return Problem("names no directory: write file:///PATH");
    out.directory = rest;
  } else if (!rest.empty() && rest != "/") {
    return Problem(fmt::format("goes on after {}://, which is all there is to say", scheme));
  }
  return out;
}

std::string lock_url_problem(const std::string& text) {
  const auto parsed = parse_lock_url(text);
  return parsed ? std::string{} : parsed.error();
}

}  // namespace scoria::config
