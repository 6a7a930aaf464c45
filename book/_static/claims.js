// The filter of the page of claims. Without this script all claims are shown. What is
// chosen stands in the address behind #, as in #verdict=refuted&chapter=9.
{
  const form = document.querySelector(".claims-filter");
  const shown = form.querySelector(".claims-shown");
  const claims = [...document.querySelectorAll(".claim")];
  const chapters = [...document.querySelectorAll(".claims-chapter")];
  const NAMES = ["verdict", "whose", "post", "chapter"];

  const chosen = () => {
    const data = new FormData(form);
    return NAMES.map((name) => [name, data.get(name)]).filter(
      ([, value]) => value !== "all",
    );
  };

  const apply = () => {
    const wanted = chosen();
    for (const claim of claims) {
      claim.hidden = wanted.some(([name, value]) => claim.dataset[name] !== value);
    }
    for (const chapter of chapters) {
      chapter.hidden = !chapter.querySelector(".claim:not([hidden])");
    }
    const left = claims.filter((claim) => !claim.hidden).length;
    shown.textContent = left
      ? `${left} of ${claims.length} claims are shown.`
      : "No claim is like that: choose less, or show all.";
  };

  const remember = () => {
    const state = new URLSearchParams(chosen()).toString();
    const { pathname, search } = window.location;
    window.history.replaceState(null, "", state ? `#${state}` : pathname + search);
  };

  const choose = (field, value) => {
    field.value = "all";
    field.value = value;
    if (field.value !== value) field.value = "all"; // there is no such choice
  };

  // A hash without "=" is an anchor: it must lead to something that is shown.
  const restore = () => {
    const hash = window.location.hash.slice(1);
    const state = new URLSearchParams(hash.includes("=") ? hash : "");
    const target = state.size ? null : document.getElementById(hash);
    if (state.size || target?.closest("[hidden]")) {
      for (const name of NAMES) choose(form.elements[name], state.get(name) ?? "all");
    }
    apply();
    target?.scrollIntoView();
  };

  form.addEventListener("change", () => {
    apply();
    remember();
  });
  form.addEventListener("reset", () => {
    setTimeout(() => { // when the fields have their first values
      apply();
      remember();
    });
  });
  window.addEventListener("hashchange", restore);
  form.hidden = false;
  restore();
}
