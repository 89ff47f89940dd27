/* http:// and https:// URLs, as far as can be told without asking anybody. */
#ifndef BASE_WEB_URL_H
#define BASE_WEB_URL_H

/* What is wrong with it, to stand behind "it": "has no host". NULL: nothing. Static: it never has a
 * part of the URL, which may hold secrets. */
const char *web_url_problem(const char *text);

#endif
