/* Who runs a database server: a word of scenarios and manifests, with rules in postgres/hosts.h. */
#ifndef BASE_HOST_KIND_H
#define BASE_HOST_KIND_H

enum host_kind { HOST_GUESS, HOST_RENDER, HOST_SUPABASE, HOST_NEON, HOST_SELF_HOSTED };

#endif
