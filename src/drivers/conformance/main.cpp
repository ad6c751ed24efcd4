#include "drivers/conformance/subjects.h"

int main(int argc, char** argv) {
  using namespace scoria::drivers::conformance;
  return command(argc, argv, {{"file", file_subject}, {"fake", fake_subject}, {"lab_array", lab_array_subject}, {"broken", broken_subject}});
}
