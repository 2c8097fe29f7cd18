// The one script of the site, on the subscribe page alone: it chooses the browser's time zone, and does nothing else.
(function () {
  "use strict";
  var field = document.querySelector("select[data-guess]");
  if (!field || typeof Intl !== "object") { return; }
  var zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  for (var i = 0; i < field.options.length; i += 1) {
    if (field.options[i].value === zone) { field.selectedIndex = i; }
  }
}());
