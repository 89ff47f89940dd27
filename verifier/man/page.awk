# Markdown to man(7), as far as our pages use it: headings, paragraphs, lists, tables, code that is indented or
# fenced; `code`, **bold**, *ARGUMENT*, [text](target). Lines that begin with a dot are taken as they are.

function escaped(text) {
    gsub(/\\/, "\\e", text)
    return text
}

function code(text) {
    text = escaped(text)
    gsub(/-/, "\\-", text)
    gsub(/'/, "\\(aq", text)
    gsub(/`/, "\\(ga", text)
    gsub(/\^/, "\\(ha", text)
    gsub(/~/, "\\(ti", text)
    return text
}

# An option that stands outside of code keeps its hyphens too, and the name of a page: they are copied as often.
function prose(text,    out) {
    text = escaped(text)
    out = ""
    while (match(text, /restore-verifier[a-z-]*/)) {
        out = out substr(text, 1, RSTART - 1) code(substr(text, RSTART, RLENGTH))
        text = substr(text, RSTART + RLENGTH)
    }
    text = out text
    gsub(/~/, "\\(ti", text)
    gsub(/\^/, "\\(ha", text)
    gsub(/--/, "\\-\\-", text)
    return text
}

function inline(text,    out, marked, at) {
    out = ""
    while (match(text, /`[^`]+`|\*\*[^*]+\*\*|\*[A-Za-z|/]+\*|\[[^]]+\]\([^)]*\)/)) {
        at = RSTART # which the next match changes
        marked = substr(text, RSTART, RLENGTH)
        out = out prose(substr(text, 1, at - 1))
        text = substr(text, at + length(marked))
        if (marked ~ /^`/) {
            out = out "\\fB" code(substr(marked, 2, length(marked) - 2)) "\\fR"
        } else if (marked ~ /^\*\*/) {
            out = out "\\fB" prose(substr(marked, 3, length(marked) - 4)) "\\fR"
        } else if (marked ~ /^\*/) {
            out = out "\\fI" prose(substr(marked, 2, length(marked) - 2)) "\\fR"
        } else {
            at = index(marked, "](")
            out = out prose(substr(marked, 2, at - 2))
        }
    }
    return out prose(text)
}

# A line of roff must not begin with what only a request begins with.
function guarded(text) {
    return text ~ /^[.']/ ? "\\&" text : text
}

# Fills lines of at most 78 bytes; what stands between two blanks stays whole.
function fill(text,    words, count, i, line) {
    count = split(text, words, / +/)
    line = ""
    for (i = 1; i <= count; i++) {
        if (words[i] == "")
            continue
        if (line != "" && length(line) + 1 + length(words[i]) > 78) {
            print guarded(line)
            line = ""
        }
        line = line == "" ? words[i] : line " " words[i]
    }
    if (line != "")
        print guarded(line)
}

function flush_text() {
    if (text != "") {
        if (in_item == 0 && !after_heading)
            print ".PP"
        fill(inline(text))
        after_heading = 0
    }
    text = ""
}

function begin_code() {
    flush_text()
    print in_item || after_heading ? ".RS 4" : ".PP\n.RS 4"
    print ".EX"
    in_code = 1
    blank_lines = 0
}

function code_line(line) {
    for (; blank_lines > 0; blank_lines--)
        print ""
    print guarded(code(line))
}

function end_code() {
    if (!in_code)
        return
    print ".EE"
    print ".RE"
    in_code = 0
    blank_lines = 0
    after_heading = 0
}

function end_block() {
    end_code()
    flush_text()
    end_table()
}

function end_item() {
    end_block()
    in_item = 0
}

# --- tables -------------------------------------------------------------------------------------

function cells(line, into,    count, i) {
    gsub(/\\\|/, "\001", line)
    sub(/^\| */, "", line)
    sub(/ *\| *$/, "", line)
    count = split(line, into, / *\| */)
    for (i = 1; i <= count; i++)
        gsub(/\001/, "|", into[i])
    return count
}

# Two columns read better as a list, each with its first one in front.
function end_table(    count, i, j, row, line) {
    if (table_rows == 0)
        return
    count = cells(table[1], row)
    if (count == 2) {
        for (i = 3; i <= table_rows; i++) {
            cells(table[i], row)
            print ".TP"
            fill(inline(row[1]))
            fill(inline(row[2] == "" ? "\\&" : row[2]))
        }
    } else {
        print ".TS"
        line = "l"
        for (j = 2; j <= count; j++)
            line = line (j == 2 ? " lx" : " l")
        print line "."
        for (i = 1; i <= table_rows; i++) {
            if (i == 2)
                continue
            cells(table[i], row)
            line = ""
            for (j = 1; j <= count; j++) {
                print line "T{"
                fill(inline(i == 1 ? "**" row[j] "**" : row[j]))
                line = "T}\t"
            }
            print "T}"
        }
        print ".TE"
    }
    table_rows = 0
    after_heading = 0
}

# --- lines --------------------------------------------------------------------------------------

function heading(line) {
    end_item()
    if (line ~ /^## /) {
        sub(/^## /, "", line)
        print ".SH \"" toupper(prose(line)) "\""
    } else {
        sub(/^#+ /, "", line)
        print ".SS \"" prose(line) "\""
    }
    after_heading = 1
}

/^```/ && !fenced { begin_code(); fenced = 1; next }
/^```/ { end_code(); fenced = 0; next }
fenced && /^$/ { blank_lines++; next }
fenced { code_line($0); next }

/^#/ { heading($0); next }
/^<!--.*-->$/ { next }
/^\./ { end_item(); print; next }

/^$/ {
    if (in_code)
        blank_lines++
    else
        end_block()
    was_blank = 1
    next
}

# Code is indented by four columns more than the text around it, with an empty line in front.
{
    match($0, /^ */)
    indent = RLENGTH
    own = in_item ? in_item : 0
}
indent >= own + 4 && (in_code || was_blank) {
    if (!in_code)
        begin_code()
    was_blank = 0
    code_line(substr($0, own + 5))
    next
}
in_code { end_code() }
was_blank && in_item && indent == 0 && !/^(-|[0-9]+\.) / { end_item() }
was_blank && in_item && indent > 0 { print ".IP" }
{ was_blank = 0 }

/^\|/ { if (table_rows == 0) end_item(); table[++table_rows] = $0; next }
/^- / { end_item(); in_item = 2; print ".IP \\(bu 2"; text = substr($0, 3); next }
/^[0-9]+\. / {
    end_item()
    in_item = index($0, " ")
    print ".IP " substr($0, 1, in_item - 1) " " in_item
    text = substr($0, in_item + 1)
    next
}
{ sub(/^ +/, ""); text = text == "" ? $0 : text " " $0 }

END { end_item() }
