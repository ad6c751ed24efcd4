#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "exports/portal_address.h"

/// What an operator may say about exports. Plain values: app/ fills them from the configuration.
namespace scoria::exports {

struct Options {
  /// Small records and control sockets of the daemons; at most 80 characters (socket paths are short), best on a tmpfs
  /// (/run). Its loss costs nothing that ensure() does not make again. Several Scoria processes of one node share it.
  std::string state_directory;
  /// Tells this deployment's kernel objects from another's on the same host: 1 to 12 of [a-z0-9].
  std::string deployment = "scoria";
  /// Where clients reach this node.
  std::string my_ip = "127.0.0.1";

  /// This machine's name among those that take exports over from each other, and the addresses that move between them.
  std::string host;
  std::vector<PortalAddress> portals;
  /// Command that keeps the leash (leash.h), the state directory is added; empty: nobody takes exports over from this machine.
  std::vector<std::string> keeper;
  /// Run as `COMMAND up|down ADDRESS` in place of `ip address`, and as `COMMAND fence HOST`; empty: none.
  std::string portal_command;

  // NBD
  std::string nbd_listen_address = "127.0.0.1";
  int nbd_first_port = 10809, nbd_last_port = 11832;
  unsigned nbd_socket_mode = 0660;
  /// A directory with ca-cert.pem, server-cert.pem and server-key.pem, or with keys.psk: then NBD over TCP is TLS only.
  std::string nbd_tls_directory;
  bool nbd_tls_verify_peer = true;  // x509: clients need a certificate of that authority

  // iSCSI
  std::string iscsi_ip_address;  // empty: my_ip
  int iscsi_port = 3260;
  std::string iscsi_target_prefix = "iqn.2010-10.org.openstack:";
};

}  // namespace scoria::exports
