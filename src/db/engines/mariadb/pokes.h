#pragma once
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace scoria::db::mariadb {

/// Datagrams from process to process: a queue has work. Each carries an HMAC with a secret from the database, so that
/// only those who may read the database can wake anybody. They may be lost, repeated and heard late.
class Pokes {
 public:
  /// Listens at a port of this address. Throws Error.
  Pokes(const std::string& address, std::string secret);
  ~Pokes();
  Pokes(const Pokes&) = delete;
  Pokes& operator=(const Pokes&) = delete;

  /// Where others reach us: address:port.
  const std::string& own() const { return own_; }
  void set_others(std::vector<std::string> addresses) { others_ = std::move(addresses); }
  /// One datagram to each of the others; never waits.
  void send(std::string_view queue) const;
  /// Hands over every queue that was heard since the last call; never waits.
  void hear(const std::function<void(std::string_view)>& listener) const;
  int descriptor() const { return socket_; }

 private:
  std::string sealed(std::string_view queue) const;

  const std::string secret_;
  int socket_ = -1;
  std::string own_;
  std::vector<std::string> others_;
};

}  // namespace scoria::db::mariadb
