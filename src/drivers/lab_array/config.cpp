#include "drivers/lab_array/config.h"

namespace scoria::drivers::lab_array {

void LabArrayBackendOptions::declare(config::Fields& fields) {
  fields.section(config::backend);
  fields.driver("lab_array");
  fields.add("lab_array_url", &url, "Where the storage array for tests (tests/faults/storage_array) listens: http://address:port.");
  fields.add("lab_array_timeout", &timeout, "How long one call to it may take.");
}

}  // namespace scoria::drivers::lab_array
