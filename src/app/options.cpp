#include "app/options.h"

#include "config/options/common.h"
#include "drivers/fake/config.h"
#include "drivers/file/config.h"

namespace scoria::app {

config::Catalogue all_options() {
  config::Catalogue all = config::common();
  all.add<drivers::file::FileBackendOptions>();
  all.add<drivers::fake::FakeBackendOptions>();
  return all;
}

}  // namespace scoria::app
