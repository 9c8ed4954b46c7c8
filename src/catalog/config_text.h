/* The file that the settings came from; its words: codec/words.h. */
#ifndef CATALOG_CONFIG_TEXT_H
#define CATALOG_CONFIG_TEXT_H

/*
 * The absolute path of the configuration file, "" without one. boot sets it before threads exist;
 * it never changes after.
 */
void config_set_path(const char *absolute);
const char *config_path(void);

#endif
