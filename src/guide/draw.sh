#!/bin/sh
# Draws request.svg from request.dot. It needs `dot`, of Debian's package graphviz.
#
# The picture stands inside the page: it takes the color of the page's text (`#010101` stands for it in request.dot), has
# no ids that the page could have too, and no blank line, which would end the HTML in the Markdown around it.
set -eu
cd "$(dirname "$0")"
dot -Tsvg request.dot | sed \
    -e '1,/^<!-- Title/d' -e '/^<!--/d' -e '/^<title>/d' -e '/^$/d' \
    -e 's/<svg width="[^"]*" height="[^"]*"/<svg role="img" aria-label="The way of a request" width="760" style="max-width: 100%" font-family="sans-serif"/' \
    -e 's/ xmlns:xlink="[^"]*"//' -e 's/<g id="[^"]*" class="[^"]*"/<g/' \
    -e 's/#010101/currentColor/g' -e 's/ font-family="Helvetica[^"]*"//' \
    >request.svg
