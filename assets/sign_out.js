/* A button that leaves the dashboard posts, with the token that shows it was ours. */
document.addEventListener("click", function (event) {
  const button = event.target.closest && event.target.closest("[data-post]");
  if (!button) return;
  const form = document.createElement("form"), field = document.createElement("input");
  const cookie = document.cookie.split("; ").find(function (one) { return one.startsWith("_csrf_token="); });
  form.method = "post";
  form.action = button.dataset.post;
  field.type = "hidden";
  field.name = "csrf_token";
  field.value = decodeURIComponent((cookie || "").slice("_csrf_token=".length));
  form.append(field);
  document.body.append(form);
  document.documentElement.dataset.leaves = ""; // a post under way that is refused now leads nowhere else
  form.submit();
});
window.addEventListener("pageshow", function () { delete document.documentElement.dataset.leaves; });
