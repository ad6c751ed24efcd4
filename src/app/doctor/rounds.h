#pragma once
#include "api/pipeline.h"
#include "app/doctor/doctor.h"
#include "engine/engine.h"

namespace scoria::app::doctor {

/// A node looks at itself now and then, and tells the others through the database what it found.
class Rounds {
 public:
  Rounds(Patient patient, Duration period) : patient_(patient), period_(period) {}
  /// Looks and tells, if that is due. May throw db::Error.
  void turn(std::int64_t incarnation);

 private:
  Patient patient_;
  Duration period_;
  Instant next_{};
};

/// GET /scoria/v1/doctor: this node as it is now, the others as they said last, and what the database knows of all.
void mount(api::Handlers& handlers, Patient patient, std::string host, const engine::Engine& engine);

/// `scoria doctor` on a machine whose deployment cannot be asked: what can be seen from its configuration, as the call's answer.
std::string look_from_here(const config::Config& config, Clock& clock);

}  // namespace scoria::app::doctor
