// Takes the place of the theme's script: 1.5 MB on every page that turn each icon
// into an SVG. The icons come from the theme's web font without it.
