#include "app/options.h"

#include "config/options/common.h"
#include "drivers/fake/config.h"
#include "drivers/file/config.h"
#include "drivers/lab_array/config.h"

namespace scoria::app {

config::Catalogue all_options() {
  config::Catalogue all = config::common();
  all.add<drivers::file::FileBackendOptions>();
  all.add<drivers::fake::FakeBackendOptions>();
  all.add<drivers::lab_array::LabArrayBackendOptions>();
  return all;
}

}  // namespace scoria::app
