#include "shelf/document_source.h"

#include <string.h>

/* --- the order of texts ----------------------------------------------------------------------- */

static const char *const collation_keys[COLLATION_TEXTS] = {"name", "provider", "locale", "version",
                                                            "actual"};

/* {"name": "default", "provider": "libc", "locale": "de_DE.UTF-8", "version": "2.36", "actual":
 * "2.36"} */
void document_collations_read(struct document *document, const char *key, json_t *value,
                              void *ret_collations)
{
    if (!value || !document_check(document, key, json_is_array(value), "a list"))
        return;
    for (size_t i = 0; i < json_array_size(value); i++) {
        const char *texts[COLLATION_TEXTS];
        for (size_t j = 0; j < COLLATION_TEXTS; j++) {
            const json_t *text = json_object_get(json_array_get(value, i), collation_keys[j]);
            if (!document_check(document, key, document_is_line(text), "a list of collations"))
                return;
            texts[j] = json_string_value(text);
        }
        collations_add(ret_collations, texts);
    }
}

json_t *document_collations_write(const void *all)
{
    const struct collations *collations = all;
    json_t *array = json_array();
    for (size_t i = 0; i < collations->count; i++) {
        const struct collation *collation = &collations->items[i];
        const char *const texts[COLLATION_TEXTS] = {collation->name, collation->provider,
                                                    collation->locale, collation->recorded,
                                                    collation->actual};
        json_t *object = json_object();
        for (size_t j = 0; j < COLLATION_TEXTS; j++)
            json_object_set_new(object, collation_keys[j], document_text(texts[j]));
        json_array_append_new(array, object);
    }
    return array;
}

void document_collations_free(void *collations)
{
    collations_free(collations);
}

/* --- roles and settings ----------------------------------------------------------------------- */

static bool is_list_of_lines(const json_t *list)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        if (!document_is_line(json_array_get(list, i)))
            return false;
    return json_is_array(list);
}

static void add_lines(const json_t *list, struct strings *lines)
{
    for (size_t i = 0; i < json_array_size(list); i++)
        strings_add(lines, json_string_value(json_array_get(list, i)));
}

/* {"name": "app", "attributes": ["login"], "member_of": ["readers"]} */
static bool role_read(struct surroundings *surroundings, const json_t *value)
{
    const json_t *name = json_object_get(value, "name");
    const json_t *attributes = json_object_get(value, "attributes");
    const json_t *member_of = json_object_get(value, "member_of");
    if (!document_is_line(name) || !is_list_of_lines(attributes) || !is_list_of_lines(member_of))
        return false;
    struct role_around *role = surroundings_add_role(surroundings, json_string_value(name));
    add_lines(attributes, &role->attributes);
    add_lines(member_of, &role->member_of);
    return true;
}

/* {"role": "app", "in_database": true, "name": "search_path", "value": "app"}; null: kept back. */
static bool setting_read(struct surroundings *surroundings, const json_t *value)
{
    const json_t *role = json_object_get(value, "role");
    const json_t *in_database = json_object_get(value, "in_database");
    const json_t *name = json_object_get(value, "name");
    const json_t *setting = json_object_get(value, "value");
    if (!document_is_line(role) || !json_is_boolean(in_database) || !document_is_line(name) ||
        (!json_is_null(setting) && !document_is_line(setting)))
        return false;
    surroundings_add_setting(surroundings, json_string_value(role), json_is_true(in_database),
                             json_string_value(name), json_string_value(setting));
    return true;
}

void document_surroundings_read(struct document *document, const char *key, json_t *value,
                                void *ret_surroundings)
{
    const json_t *roles = json_object_get(value, "roles");
    const json_t *settings = json_object_get(value, "settings");
    bool good = true;
    if (!value || !document_check(document, key, json_is_array(roles) && json_is_array(settings),
                                  "an object with roles and settings"))
        return;
    for (size_t i = 0; i < json_array_size(roles); i++)
        good = role_read(ret_surroundings, json_array_get(roles, i)) && good;
    for (size_t i = 0; i < json_array_size(settings); i++)
        good = setting_read(ret_surroundings, json_array_get(settings, i)) && good;
    document_check(document, key, good, "an object with roles and settings");
}

static json_t *lines_write(const struct strings *lines)
{
    json_t *array = json_array();
    for (size_t i = 0; i < lines->count; i++)
        json_array_append_new(array, document_text(lines->items[i]));
    return array;
}

json_t *document_surroundings_write(const void *all)
{
    const struct surroundings *surroundings = all;
    json_t *object = json_object();
    json_t *roles = json_array();
    json_t *settings = json_array();
    for (size_t i = 0; i < surroundings->role_count; i++) {
        json_t *role = json_object();
        json_object_set_new(role, "name", document_text(surroundings->roles[i].name));
        json_object_set_new(role, "attributes", lines_write(&surroundings->roles[i].attributes));
        json_object_set_new(role, "member_of", lines_write(&surroundings->roles[i].member_of));
        json_array_append_new(roles, role);
    }
    for (size_t i = 0; i < surroundings->setting_count; i++) {
        const struct setting *setting = &surroundings->settings[i];
        json_t *value = json_object();
        json_object_set_new(value, "role", document_text(setting->role));
        json_object_set_new(value, "in_database", json_boolean(setting->of_database));
        json_object_set_new(value, "name", document_text(setting->name));
        json_object_set_new(value, "value",
                            setting->value ? document_text(setting->value) : json_null());
        json_array_append_new(settings, value);
    }
    json_object_set_new(object, "roles", roles);
    json_object_set_new(object, "settings", settings);
    return object;
}

void document_surroundings_free(void *surroundings)
{
    surroundings_free(surroundings);
}
