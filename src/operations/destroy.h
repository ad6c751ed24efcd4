#pragma once
#include <string>
#include <tl/expected.hpp>
#include <vector>

#include "engine/kind.h"
#include "operations/sections.h"
#include "operations/services.h"
#include "store/objects/objects.h"

namespace scoria::operations {

struct Destroyed {
  std::vector<store::objects::Object> objects;
  Entered sections;  // it was done in
};

/// Removes from their backends what one owner has doomed and nothing living hangs on; gives what is gone now. Objects
/// that others hang on stay doomed: the reaper removes them when their last child is gone.
tl::expected<Destroyed, engine::Outcome> destroy_doomed_of(Services& services, engine::Task& task, const std::string& owner_id);

}  // namespace scoria::operations
