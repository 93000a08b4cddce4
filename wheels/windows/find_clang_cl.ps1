# Chooses clang-cl for the following steps and puts it on their path: the one of LLVM, or else Visual Studio's own.
$ErrorActionPreference = "Stop"
Add-Content -Path $env:GITHUB_ENV -Value "CC=clang-cl"
if (Get-Command clang-cl -ErrorAction SilentlyContinue) {
    clang-cl --version
    exit 0
}
$vswhere = "${env:ProgramFiles(x86)}\Microsoft Visual Studio\Installer\vswhere.exe"
$studio = & $vswhere -latest -products * -property installationPath
$folder = if ($env:PROCESSOR_ARCHITECTURE -eq "ARM64") { "ARM64" } else { "x64" }
$found = Join-Path $studio "VC\Tools\Llvm\$folder\bin"
if (-not (Test-Path "$found\clang-cl.exe")) { throw "no clang-cl in $found" }
Add-Content -Path $env:GITHUB_PATH -Value $found
& "$found\clang-cl.exe" --version
