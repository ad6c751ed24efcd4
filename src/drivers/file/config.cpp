#include "drivers/file/config.h"

namespace scoria::drivers::file {

void FileBackendOptions::declare(config::Fields& fields) {
  fields.section(config::backend);
  fields.driver("file");
  fields.add("file_directories", &directories, "Directories that hold volumes, each a pool: pool=path, or a path whose last part names the pool. "
                                               "Empty: one pool in state_path.");
  fields.add("file_allocation_unit", &allocation_unit, "Volumes take whole multiples of this.").at_least(512);
  fields.add("file_minimum_size", &minimum_size, "The least that a volume takes.").at_least(512);
  fields.add("file_reflink", &reflink, "Share blocks between files where the file system can; else snapshots and clones are overlays.");
  fields.add("file_layer_limit", &layer_limit, "Overlays on each other before they are merged in the background.").between(1, 64);
}

}  // namespace scoria::drivers::file
