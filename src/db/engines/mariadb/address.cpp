#include "db/engines/mariadb/address.h"

#include <fmt/core.h>

#include <charconv>

#include "db/engines/mariadb.h"

namespace scoria::db {
namespace {

constexpr std::string_view schemes[] = {"mariadb", "mysql"};

[[noreturn]] void wrong(const std::string& why) { throw Error("the database's connection URL is wrong: " + why); }

/// %41 becomes A.
std::string decoded(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    unsigned byte = 0;
    if (text[at] != '%' || text.size() < at + 3) {
      out += text[at];
      continue;
    }
    const char* digits = text.data() + at + 1;
    if (std::from_chars(digits, digits + 2, byte, 16).ptr != digits + 2) wrong("a '%' without two hexadecimal digits");
    out += static_cast<char>(byte);
    at += 2;
  }
  return out;
}

/// What stands before `mark`, taken from the text together with it; all of it if the mark does not occur.
std::string_view take_until(std::string_view& text, char mark) {
  const std::size_t end = std::min(text.find(mark), text.size());
  const std::string_view head = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return head;
}

mariadb::Host host_of(std::string_view text) {
  mariadb::Host host;
  std::string_view port;
  if (text.starts_with('[')) {  // IPv6
    text.remove_prefix(1);
    host.name = take_until(text, ']');
    port = text.starts_with(':') ? text.substr(1) : text;
  } else {
    host.name = decoded(take_until(text, ':'));
    port = text;
  }
  if (host.name.empty()) wrong("a host is missing");
  if (port.empty()) return host;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), host.port);
  if (error != std::errc{} || end != port.data() + port.size() || host.port == 0 || host.port > 65535) wrong(fmt::format("'{}' is no port", port));
  return host;
}

void read_setting(std::string_view pair, mariadb::Address& out) {
  const std::string name(take_until(pair, '='));
  if (name == "unix_socket") {
    out.unix_socket = decoded(pair);
  } else if (name == "ssl_ca") {
    out.ssl_ca = decoded(pair);
  } else if (name == "ssl_cert") {
    out.ssl_cert = decoded(pair);
  } else if (name == "ssl_key") {
    out.ssl_key = decoded(pair);
  } else if (name != "charset" && name != "use_unicode" && name != "plugin") {  // ours are fixed
    wrong(fmt::format("'{}' is no setting of a connection; there are unix_socket, ssl_ca, ssl_cert and ssl_key", name));
  }
}

}  // namespace

bool is_mariadb(std::string_view connection) {
  const std::string_view scheme = connection.substr(0, connection.find("://"));
  if (scheme.size() == connection.size()) return false;
  const std::string_view dialect = scheme.substr(0, scheme.find('+'));  // behind it the driver of Python
  return std::find(std::begin(schemes), std::end(schemes), dialect) != std::end(schemes);
}

mariadb::Address mariadb::parse_address(std::string_view url) {
  if (!is_mariadb(url)) wrong("it does not begin with mariadb:// or mysql+pymysql://");
  url.remove_prefix(url.find("://") + 3);
  std::string_view settings = url;
  std::string_view rest = take_until(settings, '?');
  Address out;
  while (!settings.empty()) read_setting(take_until(settings, '&'), out);
  std::string_view name = rest;
  std::string_view place = take_until(name, '/');
  out.database = decoded(name);
  if (out.database.empty()) wrong("the database's name is missing behind the host");
  if (const std::size_t at = place.rfind('@'); at != std::string_view::npos) {
    std::string_view password = place.substr(0, at);
    out.user = decoded(take_until(password, ':'));
    out.password = decoded(password);
    place.remove_prefix(at + 1);
  }
  if (place.empty() && out.unix_socket.empty()) wrong("a host is missing");
  while (!place.empty()) out.hosts.push_back(host_of(take_until(place, ',')));
  if (!out.unix_socket.empty()) out.hosts = {{"localhost", 0}};
  return out;
}

}  // namespace scoria::db
