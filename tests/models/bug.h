/* BUG(n): true when the search runs with BUG=n in its environment, so that one compiled model serves the clean search and
 * every deliberately broken one. read_bug stands first in init. */
byte bug_number;
c_decl {
\#include <stdlib.h>
};
#define BUG(n) (bug_number == n)
inline read_bug() { c_code { now.bug_number = getenv("BUG") ? (unsigned char) atoi(getenv("BUG")) : 0; } }
