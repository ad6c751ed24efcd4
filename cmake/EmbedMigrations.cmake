# scoria_embed_migrations(<folder>): builds src/<folder>/migrations/NNNN_name.sql into the folder's library, as the
# function scoria::<folder>::migrations() that src/<folder>/migrations.h declares. Run as a script, it writes the unit.
if(CMAKE_SCRIPT_MODE_FILE)
  set(rows "")
  foreach(file ${FILES})
    get_filename_component(base ${file} NAME_WE)
    if(NOT base MATCHES "^([0-9][0-9][0-9][0-9])_([a-z0-9_]+)$")
      message(FATAL_ERROR "${file}: a migration is named NNNN_name.sql")
    endif()
    string(REGEX REPLACE "^0+" "" version ${CMAKE_MATCH_1})
    set(name ${CMAKE_MATCH_2})
    file(READ ${file} sql)
    string(APPEND rows "    {${version}, \"${name}\", R\"sql_text(${sql})sql_text\"},\n")
  endforeach()
  file(WRITE ${OUTPUT} "// Made from src/${FOLDER}/migrations/*.sql
#include \"${FOLDER}/migrations.h\"

namespace scoria::${FOLDER} {

std::span<const db::Migration> migrations() {
  static constexpr db::Migration all[] = {
${rows}  };
  return all;
}

}  // namespace scoria::${FOLDER}
")
  return()
endif()

set(SCORIA_EMBED_MIGRATIONS ${CMAKE_CURRENT_LIST_FILE})
function(scoria_embed_migrations folder)
  file(GLOB files CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/src/${folder}/migrations/*.sql)
  if(NOT files)
    return()
  endif()
  set(output ${CMAKE_BINARY_DIR}/generated/${folder}_migrations.cpp)
  add_custom_command(OUTPUT ${output} VERBATIM DEPENDS ${files} ${SCORIA_EMBED_MIGRATIONS}
    COMMAND ${CMAKE_COMMAND} "-DFILES=${files}" -DFOLDER=${folder} -DOUTPUT=${output} -P ${SCORIA_EMBED_MIGRATIONS})
  target_sources(scoria_${folder} PRIVATE ${output})
endfunction()
