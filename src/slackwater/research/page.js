// Draws a chart when it is first seen: with many symbols most of them never are.
function draw(root) {
  root.querySelectorAll(".chart:not([data-drawn])").forEach(function (place) {
    if (place.closest("[hidden]")) { return; }
    var figure = JSON.parse(document.getElementById(place.id + "-data").textContent);
    place.setAttribute("data-drawn", "");
    Plotly.newPlot(place, figure.data, figure.layout, {
      // The library has a button that uploads a chart to its maker's server: a trader's results stay here.
      showSendToCloud: false,
      plotlyServerURL: "",
      displaylogo: false,
      responsive: true,
      // Where there is no time axis there is little to zoom, and the buttons would cover the chart's own.
      displayModeBar: figure.layout.xaxis.type === "date" ? "hover" : false,
      modeBarButtonsToRemove: ["lasso2d", "select2d"]
    });
  });
}
var picker = document.getElementById("symbol");
if (picker) {
  picker.addEventListener("change", function () {
    document.querySelectorAll("section[data-symbol]").forEach(function (part) { part.hidden = part.dataset.symbol !== picker.value; });
    draw(document);
  });
}
draw(document);
