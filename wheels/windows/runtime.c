// What Microsoft's compiler expects of its run-time library, and what compile_msvc.py does not have.
unsigned long long __security_cookie = 0x2b992ddfa232ULL;
void __security_check_cookie(unsigned long long cookie) { (void)cookie; }
int _fltused = 1;
void __chkstk(void) {}
