#pragma once
#include <memory>

#include "api/parking.h"
#include "api/pipeline.h"
#include "api/services.h"
#include "app/reporter.h"
#include "config/config.h"
#include "http/server.h"

namespace scoria::app {

/// One running Scoria process: made in the order its parts need each other, stopped in the reverse order.
class Node {
 public:
  /// Opens the database, brings its schema up to date, makes the parts. Throws with a sentence for the operator.
  Node(config::Config config, SystemClock& clock);
  ~Node();
  void start();
  /// Puts into force what may change at run time: the rules of the policy file, the certificate.
  void reload(const config::Config& config);
  /// Answers what is in flight, gives running operations back, leaves.
  void stop();
  std::uint16_t port() const;

 private:
  void make_api();

  struct Parts;
  std::unique_ptr<Parts> parts_;
};

}  // namespace scoria::app
