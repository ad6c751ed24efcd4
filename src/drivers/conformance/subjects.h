#pragma once
#include <memory>

#include "drivers/conformance/kit.h"
#include "drivers/fake/fake.h"

/// Scoria's own drivers as subjects.
namespace scoria::drivers::conformance {

/// Options: directory=PATH (several: pools), unit=BYTES, minimum=BYTES, reflink=no, layer_limit=N, small=yes (the pools may be filled up).
Subject file_subject(Clock& clock, const Options& options);
/// Options: linked=yes, copy_rate=BYTES per second, unit=BYTES.
Subject fake_subject(Clock& clock, const Options& options);
/// The array of tests/faults/storage_array. Options: url=http://ADDRESS:PORT.
Subject lab_array_subject(Clock& clock, const Options& options);
/// A fake driver with a mistake. Options: mutant=N.
Subject broken_subject(Clock& clock, const Options& options);

/// Bytes of the fake array.
std::shared_ptr<ObjectIo> make_array_io(std::shared_ptr<fake::Array> array);

/// A deliberate mistake and the check that is named for it.
struct Mutant {
  const char* mistake;
  const char* caught_by;
};
/// Numbered from 1.
const std::vector<Mutant>& mutants();
std::unique_ptr<Driver> make_broken_driver(std::shared_ptr<fake::Array> array, int mutant);

}  // namespace scoria::drivers::conformance
