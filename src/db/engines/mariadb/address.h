#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace scoria::db::mariadb {

struct Host {
  std::string name;
  unsigned port = 3306;
};

/// A connection URL, taken apart.
struct Address {
  std::vector<Host> hosts;
  std::string user, password, database;
  std::string unix_socket;               // instead of hosts
  std::string ssl_ca, ssl_cert, ssl_key;  // empty: without
};

/// Throws Error with a sentence for the operator, without the password, if it is no such URL.
Address parse_address(std::string_view url);

}  // namespace scoria::db::mariadb
